"""Command lines around a command, for what must happen in the child before the command runs: each executes the next.

Programs of util-linux and coreutils, which are there wherever Linux is, and /bin/sh; all are given arguments, none a
text that was put together. A process of another user is limited before it becomes that user: afterwards it could not
raise a limit.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterable, Sequence

from circus_stack.errors import SpawnError
from circus_stack.system.identity import Identity
from circus_stack.system.limits import Limits
from circus_stack.system.priorities import Priorities

# $$ stays the same over exec: it is the pid of the command, which systemd's protocol asks for.
_TELL_PID = 'LISTEN_PID=$$; export LISTEN_PID; exec "$0" "$@"'
# The shell itself goes into the groups, then it becomes the command.
_ENTER = 'while [ "$1" != -- ]; do echo 0 >"$1" || exit 126; shift; done; shift; exec "$@"'
_ENTER_IN_PYTHON = """\
import os, sys
end = sys.argv.index("--")
for path in sys.argv[1:end]:
    with open(path, "w") as file:
        file.write("0")
os.execv(sys.argv[end + 1], sys.argv[end + 1:])
"""
_ADMIN_PATH = "/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin"
_SHELL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
# BSD's name for it, which Python has, too.
_PRLIMIT_NAMES = {"ofile": "nofile"}


def wrap(
    command: Sequence[str],
    *,
    limits: Limits,
    priorities: Priorities | None = None,
    identity: Identity | None = None,
    tells_pid: bool = False,
    groups: Sequence[str] = (),
    variables: Iterable[str] = (),
) -> list[str]:
    """The command with what stands before it; `groups` are files of control groups that a process enters by writing to
    them, `variables` the names in its environment. Raises SpawnError where a program that this needs is not there."""
    argv = list(command)
    if tells_pid:
        argv = ["/bin/sh", "-c", _TELL_PID, *argv]
    if identity is not None:
        argv = [*_setpriv(identity), *argv]
    if limits:
        argv = [*_prlimit(limits), *argv]
    if priorities is not None:
        # First, so that a tight limit is none of these programs' affair.
        argv = [*_priorities(priorities), *argv]
    if groups:
        # As who the arbiter is: another user may not enter.
        argv = [*_entering(variables), *groups, "--", *argv]
    return argv


def _entering(variables: Iterable[str]) -> list[str]:
    # A shell hands on no variable whose name it could not use itself; Python takes ten times as long to start.
    if all(_SHELL_NAME.fullmatch(name) for name in variables):
        return ["/bin/sh", "-c", _ENTER, "circus-stack"]
    return [sys.executable, "-I", "-S", "-c", _ENTER_IN_PYTHON]


def _priorities(wanted: Priorities) -> list[str]:
    words: list[str] = []
    if wanted.nice is not None:
        # nice(1) adds to what it has inherited.
        words += [_program("nice", "nice"), "-n", str(wanted.nice - os.getpriority(os.PRIO_PROCESS, 0)), "--"]
    if wanted.ionice is not None:
        io_class, level = wanted.io_class()
        words += [
            _program("ionice", "ionice"),
            "-c",
            str(io_class),
            *([] if level is None else ["-n", str(level)]),
            "--",
        ]
    if wanted.cpus:
        words += [_program("taskset", "cpu_affinity"), "-c", ",".join(map(str, wanted.cpus))]
    if wanted.oom_score_adj is not None:
        words += [_program("choom", "oom_score_adj"), "-n", str(wanted.oom_score_adj), "--"]
    return words


def _prlimit(limits: Limits) -> list[str]:
    options = [f"--{_PRLIMIT_NAMES.get(name.lower(), name.lower())}={_pair(*pair)}" for name, pair in limits.items()]
    return [_program("prlimit", "rlimit_*"), *options, "--"]


def _pair(soft: int, hard: int) -> str:
    return ":".join("unlimited" if each < 0 else str(each) for each in (soft, hard))


def _setpriv(identity: Identity) -> list[str]:
    groups = ["--keep-groups"]
    if identity.groups is not None:
        groups = [f"--groups={','.join(map(str, identity.groups))}"] if identity.groups else ["--clear-groups"]
    program = _program("setpriv", "uid and gid together with rlimit_* or listen_fds")
    return [program, f"--reuid={identity.uid}", f"--regid={identity.gid}", *groups, "--"]


def _program(name: str, option: str) -> str:
    found = shutil.which(name, path=_ADMIN_PATH)
    if found is None:
        raise SpawnError(
            f"{option} needs the program {name!r} of util-linux or coreutils, which is not in {_ADMIN_PATH}"
        )
    return found
