"""An ini with all that Circus's reader knows, and what the processes of either side make of it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from tests.compat.daemons import Daemon, start
from tests.support.processes import PYTHON
from tests.support.stack import Room
from tests.support.waiting import wait_until

PROBE = Path(__file__).parent / "programs" / "probe.py"

# Lines that begin with `rem`, tails after a blank and a semicolon, values over several lines, sections in two parts.
INI = """
include = more/*.ini
include_dir = sites
umask = 027
# a comment
; another
rem and one that DOS knew

[watcher:plain]
cmd = @probe@ @dir@/plain.json one 'two words' "three words" four;five   ; a tail
cmd = a repeated option does not count

[watcher:copy]
cmd = @probe@ @dir@/copy.json
copy_env = yes

[watcher:variables]
cmd = @probe@ @dir@/variables.json $(circus.wid) ((circus.wid)) $(CIRCUS.WID) $(circus.env.FOO) ((circus.env.foo))
args = $(circus.env.MISSING) fd:$(circus.sockets.web) fd:((circus.sockets.un)) $(circus.numprocesses)
    $(circus.working_dir) $(circus.singleton) $(circus.nothing) $FOO $(other.thing) $(circus.env.STAR)
    $(circus.env.GLOBAL)
use_sockets = on
working_dir = @dir@/work

[watcher:environment]
cmd = @probe@ @dir@/environment.json
close_child_stdin = 0

[watcher:limits]
cmd = @probe@ @dir@/limits.json
rlimit_nofile = 321
rlimit_core = 0
working_dir = /
stop_signal = QUIT

[watcher:user]
cmd = sh @dir@/who.sh @dir@/user.json
uid = nobody
gid = nogroup
working_dir = @dir@

[watcher:uidonly]
cmd = sh @dir@/who.sh @dir@/uidonly.json
uid = nobody

[watcher:numbers]
cmd = sh @dir@/who.sh @dir@/numbers.json
uid = 65534

[watcher:shell]
cmd = exec @probe@ @dir@/shell.json a b
shell = True

[watcher:closed]
cmd = @probe@ @dir@/closed.json
close_child_stdout = True
close_child_stderr = True

[watcher:streams]
cmd = @probe@ @dir@/streams.json
stdout_stream.class = FileStream
stdout_stream.filename = @dir@/streams.out
stderr_stream.filename = @dir@/streams.err
stderr_stream.time_format = year %Y

[watcher:console]
cmd = @probe@ @dir@/console.json
stdout_stream.class = StdoutStream
stderr_stream.class = FancyStdoutStream
stderr_stream.color = green
stderr_stream.time_format = then

[watcher:watched]
cmd = @probe@ @dir@/watched.json
stdout_stream.class = circus.stream.WatchedFileStream
stdout_stream.filename = @dir@/watched.out

[watcher:timed]
cmd = @probe@ @dir@/timed.json
stdout_stream.class = TimedRotatingFileStream
stdout_stream.filename = @dir@/timed.out
stdout_stream.rotate_when = H
stdout_stream.time_format = T%m

[watcher:booleans]
cmd = @probe@ @dir@/booleans.json
singleton = on
respawn = NO
autostart = 1
copy_env = False
send_hup = true
stop_children = off
custom.key = kept $FOO
empty = ""
args = ""

[watcher:manual]
cmd = @probe@ @dir@/manual.json
autostart = off

[watcher:early]
cmd = @probe@ @dir@/early.json
priority = 9

[watcher:Mixed Case]
cmd = @probe@ @dir@/mixed.json $(circus.env.LATE)

[watcher:early]
numprocesses = 1
warmup_delay = 0

[socket:Web]
host = 127.0.0.1
port = @port@

[socket:un]
path = @dir@/un.sock
umask = 0

[env]
GLOBAL = of all
FOO = global foo
BUILT = $GLOBAL and more
ONCE = $HOME/x

[env:variables,nobody-there]
FOO = foo
HOMELY = $HOME
SOCKET = $(circus.sockets.web)
WID = $(circus.wid)
FROM = $(circus.env.GLOBAL)

[env:e*]
STAR = of e
FOO = star foo
MISSING = <$NO_SUCH_VARIABLE>

[env:environment]
STAR = of environment
BRACES = ${HOME}
lower = $home
EMPTY =
PATHS = $PATHLIKE:/more

[env:Mixed Case]
LATE = late one

[something else]
ignored = yes
"""
WHO = """\
printf '{"uid": "%s", "gid": "%s", "groups": "%s", "cwd": "%s", "pwd": "%s"}' \
    "$(id -u)" "$(id -g)" "$(id -G)" "$(readlink /proc/self/cwd)" "$PWD" > "$1.draft"
mv "$1.draft" "$1"
exec sleep 600
"""
# Files beside it, by name.
FILES = {
    "more/first.ini": "[watcher:included]\ncmd = @probe@ @dir@/included.json $(circus.env.GLOBAL)\n",
    "more/second.ini": "[env:included]\nADDED = by an included file\n[watcher:early]\npriority = 3\n",
    "sites/third.ini": "[watcher:site]\ncmd = @probe@ @dir@/site.json\nnumprocesses = 1\n",
    "sites/not.conf": "[watcher:not]\ncmd = sleep 600\n",
    "work/.keep": "",
    # Another user may not read this interpreter.
    "who.sh": WHO,
}
REPORTS = (
    *("plain", "copy", "variables", "environment", "limits", "user", "uidonly", "numbers", "shell", "closed"),
    *("streams", "console", "watched", "timed", "booleans", "early", "mixed", "included", "site"),
)
WATCHERS = (
    *("plain", "copy", "variables", "environment", "limits", "user", "uidonly", "numbers", "shell", "closed"),
    *("streams", "console", "watched", "timed", "booleans", "manual", "early", "Mixed Case", "included", "site"),
)
TEXTS = ("streams.out", "streams.err", "watched.out", "timed.out")


def run(here: Room, side: str) -> dict[str, Any]:
    """All that one side makes of the ini: reports of processes, options of watchers, files, what the daemon printed."""
    # Short, and open to the processes of another user.
    directory = here.base / side
    here.base.chmod(0o711)
    directory.mkdir()
    directory.chmod(0o777)
    values = {"probe": f"{PYTHON} {PROBE}"}
    for name, text in FILES.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("@dir@", str(directory)).replace("@probe@", values["probe"]))
    daemon = start(here, side, INI, directory=directory, **values)
    try:
        return daemon.neutral({**_reports(daemon), **_options(daemon), **_texts(daemon), **_sockets(daemon)})
    finally:
        daemon.close()


def _reports(daemon: Daemon) -> dict[str, Any]:
    paths = {name: daemon.directory / f"{name}.json" for name in REPORTS}
    wait_until(
        lambda: all(path.exists() for path in paths.values()),
        "the reports",
        detail=lambda: [name for name, path in paths.items() if not path.exists()] + [daemon.stack.output()],
    )
    return {f"process {name}": json.loads(path.read_text()) for name, path in paths.items()}


def _options(daemon: Daemon) -> dict[str, Any]:
    found = {f"options {name}": daemon.call("options", name=name) for name in WATCHERS}
    return found | {"status": daemon.call("status"), "list": daemon.call("list")}


def _texts(daemon: Daemon) -> dict[str, Any]:
    paths = {name: daemon.directory / name for name in TEXTS}
    wait_until(lambda: all(path.exists() and path.stat().st_size for path in paths.values()), "the files")
    texts = {f"file {name}": _without_pids(path.read_text(), daemon) for name, path in paths.items()}
    modes = {f"mode {name}": path.stat().st_mode & 0o777 for name, path in paths.items()}
    shown = wait_until(lambda: _console(daemon), "what goes to the console", detail=daemon.stack.output)
    return {**texts, **modes, "console": shown}


def _console(daemon: Daemon) -> list[str]:
    """The lines of the watcher `console` that the daemon printed, sorted: two pipes have no order."""
    lines = [line for line in daemon.stack.output().splitlines() if "of console" in line or "second line" in line]
    return sorted(_without_pids(line, daemon) for line in lines) if "err of console" in "".join(lines) else []


def _without_pids(text: str, daemon: Daemon) -> str:
    for name in ("streams", "console", "watched", "timed"):
        for pid in daemon.pids(name):
            text = text.replace(f"[{pid}]", "[PID]")
    return text


def _sockets(daemon: Daemon) -> dict[str, Any]:
    path = daemon.directory / "un.sock"
    return {"socket mode": path.stat().st_mode & 0o777, "owner": path.stat().st_uid == os.getuid()}
