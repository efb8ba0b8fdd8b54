"""The one table of intended differences from Circus 0.19. docs/circus-differences.md is made of it, and every test that
compares the two takes its exceptions from here: what is in no row is a defect."""

from __future__ import annotations

from tests.compat.compare import Deviation
from tests.compat.difference import Difference, Seen

_ERROR_TO_ERROR = ("value reason", "type tb", "value errno")
_OK_TO_ERROR = ("value status",)
_ERROR_TO_OK = ("value status", "missing reason", "missing tb", "missing errno")

DIFFERENCES: tuple[Difference, ...] = (
    Difference(
        "conflicts",
        "while one operation runs, any other is refused with errno 5, `arbiter is already running ...`",
        "operations are queued for each watcher; `quit` and questions are answered at once",
        "a process that ignores SIGTERM must not keep anybody from steering the rest",
    ),
    Difference(
        "odd messages",
        "JSON that is no object, or has no command, is not answered, and mostly makes the daemon deaf to all clients",
        "errno 3, and the daemon goes on",
        "no client may silence the daemon",
    ),
    Difference(
        "bad properties",
        "a property of a wrong type raises in the daemon: errno 4, 5 or 6, `server error` or a traceback",
        "errno 3 with a reason that says what is legal; `tb` is always null",
        "errno 3 is Circus's own number for a message that is not valid; a traceback helps no client",
        (
            Seen(
                (
                    *("stop by a broken regex", "kill with what is no pid", "kill by no signal"),
                    *("kill by a wrong number", "kill of nobody", "signal to the children of none"),
                    *("signal to a child of nobody", "signal to no child", "signal by no name"),
                    *("signal by a wrong number", "set [ug]id #2*", "set hooks.before_start #2*", "set of a singleton"),
                    *("set a stream to a wrong class", "add a singleton of two", "add what exists*"),
                ),
                _ERROR_TO_ERROR,
            ),
        ),
    ),
    Difference(
        "texts",
        "terse, or Python's own words",
        "say what is legal. Those that clients look for are the same: `program X not found`, `'x' option not found`, "
        "`unknown command: 'x'`, `json invalid`, `message invalid 'x' is missing`, `unknown key 'x'`",
        "an error says what would be right",
        (
            Seen(
                ("stop by an unknown way", "set * #2*", "set of what is no object", "add with *", "listen"),
                ("value reason",),
            ),
        ),
    ),
    Difference(
        "refusals without waiting",
        "a `kill` of an unknown watcher is ok unless it waits; a signal to an unknown pid is ok",
        "both are refused with errno 3",
        "a client must know that nothing was signalled",
        (Seen(("kill of nobody, not waiting", "signal to what is not there"), _OK_TO_ERROR),),
    ),
    Difference(
        "free-form options",
        "`get` of a free-form option that `options` shows fails with a traceback",
        "`get` has it as `options` has it",
        "plugins read their settings so",
        (Seen(("get a free-form option",), _ERROR_TO_OK),),
    ),
    Difference(
        "texts as values",
        "`set` and `add` refuse the text of a number, a boolean or an environment",
        "they take a value in JSON's type, and any text that an ini may say",
        "a client needs no table of types: what can be written in the file can be set",
        (
            Seen(
                tuple(f"set {each} #2*" for each in ("stop_signal", "send_hup", "shell", "copy_env", "respawn", "env")),
                _ERROR_TO_OK,
            ),
        ),
    ),
    Difference(
        "more keys to `set`",
        "`priority`, `use_sockets`, `flapping.*` and others are unknown keys",
        "each option of a watcher can be set",
        "a change in the file would do the same, at the price of a reload",
        (Seen(tuple(f"set {each} #2*" for each in ("priority", "use_sockets", "flapping.window")), _ERROR_TO_OK),),
    ),
    Difference(
        "`set` of what does nothing",
        "`retry_in`, `max_retry`, `rlimit_*`, `respawn`, `singleton`, `copy_env` and `close_child_*` are accepted and "
        "forgotten",
        "each is applied; `retry_in`, which is no option of a watcher, is refused",
        "ok must mean that it was done",
        (
            Seen(("set retry_in *",), _OK_TO_ERROR),
            Seen(("options after all settings",), ("value options.close_child_*",)),
        ),
    ),
    Difference(
        "limits in `add`",
        "`rlimit_*` among the options fails with a traceback",
        "they are limits of the watcher's processes, as in the ini",
        "the command documents them",
        (Seen(("add with a limit",), _ERROR_TO_OK),),
    ),
    Difference(
        "what can never start",
        "`add` and the start accept an unknown user; each spawn fails, and a line of the log tells",
        "refused with the reason; at the start of circusd with the line of the ini, and status 2",
        "a mistake is told where it is made",
        (Seen(("add of an unknown user",), _OK_TO_ERROR),),
    ),
    Difference(
        "whole seconds",
        "`warmup_delay` is an integer from the ini and a float after `set`",
        "a whole number is an integer, wherever it came from",
        "one value has one form",
        (Seen(("get warmup_delay *", "options *"), ("type options.warmup_delay",)),),
    ),
    Difference(
        "values as they were given",
        "`uid`, `gid` and the options of streams are texts from the ini, and integers if they were `set` as such",
        "`uid` and `gid` are integers, the options of streams texts",
        "one value has one form; a client of Circus has to expect either",
        (
            Seen(("options numbers", "options user", "options uidonly"), ("type options.[ug]id",), "ini"),
            Seen(("options after streams",), ("type options.stdout_stream_conf.max_bytes",)),
        ),
    ),
    Difference(
        "`ipython`",
        "starts a kernel in the daemon if IPython is there",
        "`shell` is false unless `debug` is set in [circus]",
        "a client that may steer processes may not run code in the daemon",
        (Seen(("ipython",), ("value msg",)),),
    ),
    Difference(
        "`__name__`",
        "`options`, `env` in it and the environment of processes have a `__name__`, left over from the ini's reader",
        "no such key",
        "it is no option and no variable",
        (
            Seen(("options*", "get of all kinds"), ("missing options.__name__", "missing options.env.__name__")),
            Seen(("options *",), ("missing options.__name__", "missing options.env.__name__"), "ini"),
            Seen(("process *",), ("missing environ.__name__",), "ini"),
            Seen(("*",), ("missing options.*__name__",), "reconfiguring"),
        ),
    ),
    Difference(
        "copied environment",
        "with `copy_env`, `env` in `options` is the whole environment of the daemon",
        "`env` is what was declared",
        "what a client reads it can write back; and the daemon's environment may hold secrets",
        (
            Seen(("options", "options after all settings", "get env *"), ("missing options.env.*",)),
            Seen(("options copy",), ("missing options.env.*",), "ini"),
        ),
    ),
    Difference(
        "`max_retry`",
        "5 failing spawns in a row give a watcher up",
        "-1: never, with a pause that grows; a number counts as in Circus",
        "a full process table or a missing mount passes; whoever wants an end sets it",
        (
            Seen(("options*",), ("value options.max_retry",)),
            Seen(("options *",), ("value options.max_retry",), "ini"),
            Seen(("*",), ("value options.*.max_retry",), "reconfiguring"),
        ),
    ),
    Difference(
        "`--json` and errors",
        "`circusctl --json` ends with 0 whatever the reply is",
        "ends with 3 where the reply is an error",
        "a script must see the failure",
    ),
    Difference(
        "`incr` and `decr` of a singleton",
        "`circusctl` prints a sentence of its own",
        "it prints one of ours; the reply has `singleton` on both sides",
        "a script reads the reply (`--json`), a person either sentence",
    ),
    Difference(
        "what `reloadconfig` tells",
        "`circusctl reloadconfig --waiting` prints ok",
        "it prints what changed; the reply has the lines as `changes`",
        "whoever waits wants to know",
    ),
    Difference(
        "runtime changes and `reloadconfig`",
        "a watcher of which the file changes one option is made anew: what was `set` of its others is lost",
        "what was set stays unless the file changed that very option; `circusctl save` writes it back",
        "an operator's change is lost only to a newer one",
    ),
    Difference(
        "a change that fails",
        "a reload, or a `set` that makes new processes, ends the old ones whatever becomes of the new",
        "the old ones serve until the new are ready; if they do not become so, nothing changes, and that is an error",
        "a mistake must not take the service down",
    ),
    Difference(
        "mistakes in the file",
        "a watcher or socket that cannot be made is left out with a warning, and the rest starts",
        "every mistake is told with file and line, nothing starts, and the status is 2",
        "a service that is missing is noticed late",
    ),
    Difference(
        "endpoints that others can reach",
        "any address is bound",
        "an endpoint off the loopback is refused",
        "whoever reaches it may run programs, and nothing on the wire is encrypted",
    ),
    Difference(
        "multicast",
        "answers discovery on udp://237.219.251.97:12027 unless `multicast_endpoint` is empty",
        "answers only where `multicast_endpoint` is set",
        "nothing is told to a network that nobody asked to be told",
    ),
    Difference(
        "`after_spawn` and `after_signal`",
        "`spawn` and `kill` are published when these hooks have returned",
        "`spawn` and `kill` are published when it has happened, before the hook is called",
        "a hook may take its time, and the process runs, or ends, meanwhile",
    ),
    Difference(
        "a signal that a hook holds back",
        "`after_signal` is called for it, and `kill` is published",
        "neither",
        "no signal was sent",
    ),
    Difference(
        "`restart` of all",
        "without a name it reads the file again and makes everything anew: sockets are closed and bound again, and "
        "what was added or `set` is gone",
        "it restarts the processes of all watchers; `reloadconfig` reads the file, and closes no socket that stays",
        "no connection is refused meanwhile",
    ),
    Difference(
        "changes of `[circus]`",
        "`reloadconfig` after any change of the section restarts the whole arbiter, with all processes and sockets",
        "`check_delay`, `warmup_delay` and `sink_timeout` apply at once; the others, endpoints and `umask` among them, "
        "take effect at the next start, as the plan says",
        "no process is ended, and no connection refused, for an option of the arbiter",
    ),
    Difference(
        "`updated`",
        "published once for each key of a `set`",
        "published once for a `set`",
        "one request is applied as one change, or not at all",
    ),
    Difference(
        "every end is told",
        "no `reap` is published for processes that `decr`, `kill` or a reload ended",
        "one `reap` for each process that ended",
        "who keeps a record of processes by events must not wait for ever",
    ),
    Difference(
        "variables in `[env]`",
        "`$(circus.env.X)`, `$(circus.wid)` and `$(circus.sockets.X)` in the value of a variable stay as written",
        "they are replaced, as in `cmd`",
        "a variable was the one place without them (circus issue 1054)",
        (
            Seen(("process variables",), tuple(f"value environ.{each}" for each in ("SOCKET", "WID", "FROM")), "ini"),
            Seen(("options variables",), ("value options.env.FROM",), "ini"),
        ),
    ),
    Difference(
        "output without a stream",
        "stdout and stderr of a process without a stream are the daemon's own",
        "they are pipes that the daemon reads and passes on to its own",
        "`circusctl logs` shows the lines of every process",
        (Seen(("process *",), ("value descriptors.1", "value descriptors.2"), "ini"),),
    ),
    Difference(
        "`umask` and log files",
        "log files are created with the umask that circusd was started with",
        "with `umask` of the ini",
        "whoever sets it means the files of the daemon",
        (Seen(("mode *.out", "mode *.err"), ("value ",), "ini"),),
    ),
    Difference(
        "reload of all",
        "starts the stopped watchers too",
        "a stopped watcher stays stopped; `reload NAME` starts it, as in Circus",
        "what an operator stopped is not started by a reload for something else",
        (Seen(("statuses after a reload of all",), ("value statuses.idle",)),),
    ),
)


def row(suite: str, title: str, deviation: Deviation) -> Difference | None:
    """The difference that covers a deviation, if one does."""
    return next((each for each in DIFFERENCES for seen in each.seen if seen.covers(suite, title, deviation)), None)


def unseen(suite: str, found: set[Difference | None]) -> list[str]:
    """Rows that a comparison should have met and has not: out of date."""
    return [each.name for each in DIFFERENCES if each not in found and any(seen.suite == suite for seen in each.seen)]


def intended(name: str) -> Difference:
    """The row of that name. A test that shows a difference by itself begins with this."""
    return next(each for each in DIFFERENCES if each.name == name)


def page_rows() -> list[str]:
    """The rows of the table in docs/circus-differences.md."""
    return [f"| {each.name} | {each.circus} | {each.here} | {each.reason} |" for each in DIFFERENCES]


if __name__ == "__main__":
    print("\n".join(page_rows()))
