"""The table of commands: everything that a client can ask of an arbiter, one declaration each."""

from __future__ import annotations

from circus_stack.protocol.command import Command
from circus_stack.protocol.property import (
    ARGS,
    BOOL,
    COUNT,
    DIFFERENCE,
    LINE,
    NAME,
    OBJECT,
    PAIRS,
    PID,
    REASON,
    SECONDS,
    SIGNAL,
    TEXT,
    WORDS,
    Property,
    choice,
)
from circus_stack.protocol.roles import Role

# What `logs` sends where no limit is named, and the most that it sends: the live tail keeps 1,000 lines a watcher.
DEFAULT_LINES = 100
MAX_LINES = 10_000

_NAME = Property("name", TEXT, "name of a watcher, in any case", is_required=True)
_MAYBE_NAME = Property("name", TEXT, "name of a watcher; all watchers if not given")
_PATTERN = Property("name", TEXT, "name of a watcher, or a pattern (web*); all watchers if not given")
_WAITING = Property("waiting", BOOL, "answer when it is done, not when it is accepted", default=False)
_MATCH = Property("match", choice("simple", "glob", "regex"), "how to read the name", default="glob")
_NB = Property("nb", DIFFERENCE, "how many processes", default=1)

_COMMANDS = (
    Command(
        "list",
        "List the watchers, or the pids of one of them.",
        "list web",
        (_MAYBE_NAME,),
        ("name",),
        role=Role.VIEW,
    ),
    Command(
        "status",
        "Tell the state of all watchers, or of one.",
        "status web",
        (_MAYBE_NAME, Property("extended", BOOL, "also the processes of each watcher", default=False)),
        ("name",),
        role=Role.VIEW,
    ),
    Command("numwatchers", "Count the watchers.", "numwatchers", role=Role.VIEW),
    Command(
        "numprocesses",
        "Count the processes of all watchers, or of one.",
        "numprocesses web",
        (_MAYBE_NAME,),
        ("name",),
        role=Role.VIEW,
    ),
    Command(
        "start",
        "Start watchers.",
        "start web --waiting",
        (_PATTERN, _WAITING, _MATCH),
        ("name",),
        role=Role.OPERATE,
    ),
    Command(
        "stop",
        "Stop watchers.",
        "stop 'job*' --waiting",
        (_PATTERN, _WAITING, _MATCH),
        ("name",),
        role=Role.OPERATE,
    ),
    Command(
        "restart",
        "Stop watchers, then start them.",
        "restart redis",
        (_PATTERN, _WAITING, _MATCH),
        ("name",),
        role=Role.OPERATE,
    ),
    Command(
        "reload",
        "Let new processes take over. The old ones serve until the new are ready.",
        "reload web --waiting",
        (
            _MAYBE_NAME,
            _WAITING,
            Property("sequential", BOOL, "one process after another: stop it, then start the next", default=False),
            Property("graceful", BOOL, "stop first, then start", default=True, flag="--terminate", inverts=True),
        ),
        ("name",),
        role=Role.OPERATE,
    ),
    Command(
        "incr",
        "Add processes to a watcher.",
        "incr web 2 --waiting",
        (_NAME, _NB, _WAITING),
        ("name", "nb"),
        role=Role.OPERATE,
    ),
    Command(
        "decr", "Take processes from a watcher.", "decr web", (_NAME, _NB, _WAITING), ("name", "nb"), role=Role.OPERATE
    ),
    Command(
        "scale",
        "Give a watcher a number of processes, for a reason that its event tells.",
        "scale web 8 'sale begins'",
        (
            _NAME,
            Property("numprocesses", COUNT, "how many processes", is_required=True),
            Property("reason", REASON, "why, for the event", default=""),
            Property("expected", COUNT, "only if so many are wanted now"),
            Property("automatic", BOOL, "as the autoscaler: within the range, and of a watcher at rest", default=False),
            Property("dry_run", BOOL, "only tell it in an event", default=False, flag="--dry-run"),
            _WAITING,
        ),
        ("name", "numprocesses", "reason"),
        role=Role.OPERATE,
    ),
    Command(
        "signal",
        "Send a signal to processes of a watcher.",
        "signal web 4711 USR1",
        (
            _NAME,
            Property("pid", PID, "one process"),
            Property("signum", SIGNAL, "name or number of the signal", is_required=True),
            Property("childpid", PID, "one child of the process", aliases=("child_pid",)),
            Property("children", BOOL, "to the children of the process in its place", default=False),
            Property("recursive", BOOL, "to the process and all its descendants", default=False),
        ),
        ("name", "pid", "signum"),
        role=Role.OPERATE,
    ),
    Command(
        "kill",
        "End processes of a watcher. A signal, then SIGKILL after a while; the watcher replaces them.",
        "kill web 4711 --signum QUIT --graceful_timeout 5",
        (
            _NAME,
            Property("pid", PID, "one process; all if not given"),
            Property("signum", SIGNAL, "signal in place of the watcher's stop_signal"),
            Property("graceful_timeout", SECONDS, "seconds until SIGKILL"),
            _WAITING,
        ),
        ("name", "pid"),
        role=Role.OPERATE,
    ),
    Command(
        "add",
        "Add a watcher. It stays until it is removed, or the arbiter ends; `save` writes it into the file.",
        "add clock sleep 3600",
        (
            Property("name", NAME, "name of the new watcher", is_required=True),
            Property("cmd", LINE, "what it runs", is_required=True),
            Property("args", ARGS, "more arguments, a text or a list"),
            Property("options", OBJECT, "its options by name, as in the file", default={}),
            Property("start", BOOL, "start it at once", default=False),
            _WAITING,
        ),
        ("name", "cmd"),
        is_slow=True,
    ),
    Command(
        "rm",
        "Remove a watcher and stop its processes.",
        "rm clock --waiting",
        (_NAME, Property("nostop", BOOL, "let the processes live on", default=False), _WAITING),
        ("name",),
    ),
    Command(
        "set",
        "Change options of a watcher: all that are named, or none.",
        "set web numprocesses 3 graceful_timeout 10",
        (_NAME, Property("options", PAIRS, "the new values by name", is_required=True), _WAITING),
        ("name", "options"),
        is_slow=True,
    ),
    Command(
        "save", "Write what was changed at run time into the file that the stack was read from.", "save", is_slow=True
    ),
    Command(
        "jobs",
        "List the operations that are queued, that run, and that ended last.",
        "jobs",
        (Property("id", TEXT, "one job"),),
        ("id",),
        role=Role.VIEW,
    ),
    Command(
        "options",
        "Show all options of a watcher.",
        "options web",
        (_NAME,),
        ("name",),
        role=Role.VIEW,
    ),
    Command(
        "get",
        "Show some options of a watcher.",
        "get web numprocesses cmd",
        (_NAME, Property("keys", WORDS, "names of options", is_required=True)),
        ("name", "keys"),
        role=Role.VIEW,
    ),
    Command(
        "stats",
        "Show what the processes use: memory, CPU, age.",
        "stats web",
        (
            _MAYBE_NAME,
            Property("process", PID, "one process of the watcher"),
            Property("extended", BOOL, "also memory that is not shared (slower)", default=False),
        ),
        ("name", "process"),
        is_slow=True,
        role=Role.VIEW,
    ),
    Command("dstats", "Show what the arbiter itself uses.", "dstats", is_slow=True, role=Role.VIEW),
    Command("listsockets", "List the listening sockets.", "listsockets", role=Role.VIEW),
    Command(
        "globaloptions",
        "Show the options of the arbiter.",
        "globaloptions endpoint",
        (Property("option", TEXT, "name of one option"),),
        ("option",),
        role=Role.VIEW,
    ),
    Command(
        "logs",
        "Show the last lines that processes wrote.",
        "logs web",
        (
            _MAYBE_NAME,
            Property("pid", PID, "one process"),
            Property("stream", choice("stdout", "stderr"), "one stream"),
            Property("limit", COUNT, f"how many lines, at most {MAX_LINES}", default=DEFAULT_LINES),
        ),
        ("name", "pid"),
        role=Role.VIEW,
    ),
    Command(
        "reloadconfig",
        "Read the configuration again and apply what changed.",
        "reloadconfig --waiting",
        (
            _WAITING,
            Property("roll", BOOL, "also replace the processes of what did not change", default=False),
            Property("dry_run", BOOL, "only tell what would change", default=False, flag="--dry-run"),
        ),
        is_slow=True,
    ),
    Command(
        "ipython",
        "Open a kernel of IPython inside the arbiter. For its debugging: needs debug = true and ipykernel.",
        "ipython",
    ),
    Command(
        "upgrade",
        "Execute the arbiter anew, in place, after a rehearsal: same pid, processes and sockets. Answered just before.",
        "upgrade",
        (Property("rehearsal_timeout", SECONDS, "seconds that the rehearsal may take", default=60.0),),
        is_slow=True,
    ),
    Command("version", "Tell the version of the arbiter.", "version", role=Role.VIEW),
    Command("schema", "Send the declarations of all options and commands.", "--json schema", role=Role.VIEW),
    Command("quit", "Stop everything and end the arbiter.", "quit --waiting", (_WAITING,)),
)

COMMANDS = {command.name: command for command in _COMMANDS}
