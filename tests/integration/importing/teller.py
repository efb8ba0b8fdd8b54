"""A program that tells what it finds around it, and what two launchers made of one configuration."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.support.waiting import wait_until

# Writes a file into $TOLD, then a line to each output, and waits for its end.
_CODE = """\
import json, os, resource, signal, socket, stat, sys, time
mask = os.umask(0o22)
facts = {
    "argv": sys.argv[1:],
    "cwd": os.getcwd(),
    "env": dict(os.environ),
    "ids": [os.getuid(), os.getgid(), sorted(os.getgroups())],
    "umask": mask,
    "nofile": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
    "leads": os.getpgid(0) == os.getpid(),
    "stdin": socket.socket(fileno=os.dup(0)).getsockname() if stat.S_ISSOCK(os.fstat(0).st_mode) else None,
}
path = os.path.join(os.environ["TOLD"], str(os.getpid()))
with open(path + ".fresh", "w") as file:
    json.dump(facts, file)
def end(signum, frame):
    with open(path + ".end", "w") as file:
        file.write(signal.Signals(signum).name)
    sys.exit(0)
for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGQUIT):
    signal.signal(signum, end)
print("out", *sys.argv[1:], flush=True)
print("err", *sys.argv[1:], file=sys.stderr, flush=True)
os.rename(path + ".fresh", path + ".json")
while True:
    time.sleep(60)
"""
# The same by a shell, which any user may run: this interpreter may stand where only root looks.
_SHELL = """\
#!/bin/sh
path=$TOLD/$$
trap 'echo SIGTERM > $path.end; exit 0' TERM
groups=$(id -G | tr ' ' ',')
printf '{"argv": ["%s"], "cwd": "%s", "env": {"DOLLAR": "%s"}, "ids": [%s, %s, [%s]], "umask": "%s"}' \\
    "$1" "$PWD" "$DOLLAR" "$(id -u)" "$(id -g)" "$groups" "$(umask)" > "$path.fresh"
mv "$path.fresh" "$path.json"
while :; do sleep 0.1; done
"""
# What a launcher adds for its own purposes, and what the shell of a command line sets.
_VOLATILE = ("CIRCUS_STACK_", "SUPERVISOR_", "HONCHO_", "LISTEN_", "NOTIFY_", "_")
_DROPPED = {"TOLD", "PWD", "OLDPWD", "SHLVL", "LC_CTYPE", "PYTHONUNBUFFERED"}


def write_teller(path: Path) -> Path:
    """An executable file that runs the program with this interpreter."""
    path.parent.mkdir(parents=True, exist_ok=True)
    source = path.with_suffix(".src")
    source.write_text(_CODE)
    path.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -I -S {shlex.quote(str(source))} "$@"\n')
    path.chmod(0o755)
    return path


def write_shell_teller(path: Path) -> Path:
    """An executable file that tells most of it, for any user."""
    path.write_text(_SHELL)
    path.chmod(0o755)
    return path


def told(directory: Path, count: int, detail: Callable[[], object]) -> list[dict[str, Any]]:
    """What `count` processes have told, in the order of their arguments."""

    def all_there() -> list[Path]:
        found = sorted(directory.glob("*.json"))
        return found if len(found) >= count else []

    found = wait_until(all_there, f"the word of {count} processes", detail=detail)
    assert len(found) == count, [each.read_text() for each in found]
    facts = [json.loads(each.read_text()) for each in found]
    for each in facts:
        each["env"] = own_variables(each["env"])
    return sorted(facts, key=lambda each: json.dumps([each["argv"], each["env"]], sort_keys=True))


def own_variables(env: Mapping[str, str]) -> dict[str, str]:
    """Without what the launcher adds."""
    return {k: v for k, v in env.items() if k not in _DROPPED and not k.startswith(_VOLATILE)}


def differences(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> list[str]:
    """A line for each fact that differs."""
    assert [each["argv"] for each in found] == [each["argv"] for each in expected]
    lines = []
    for ours, theirs in zip(found, expected, strict=True):
        ours, theirs = flat(ours), flat(theirs)
        lines += [
            f"{ours['argv']} {key}: {ours.get(key)!r} in place of {theirs.get(key)!r}"
            for key in sorted(ours.keys() | theirs.keys())
            if ours.get(key) != theirs.get(key)
        ]
    return lines


def flat(facts: dict[str, Any]) -> dict[str, Any]:
    """Each variable as a fact of its own."""
    rest = {key: value for key, value in facts.items() if key != "env"}
    return {**rest, **{f"env.{name}": value for name, value in facts["env"].items()}}


def ends(directory: Path, count: int, detail: Callable[[], object]) -> list[str]:
    """The signals that ended `count` processes."""

    def all_there() -> list[Path]:
        found = sorted(directory.glob("*.end"))
        return found if len(found) == count else []

    return sorted(each.read_text() for each in wait_until(all_there, f"the end of {count} processes", detail=detail))
