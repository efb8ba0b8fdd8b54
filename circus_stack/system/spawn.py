"""Starts processes from finished plans. Decides nothing: argv, environment and identity are given.

The C library's posix_spawn does it where it can; a process of another user is `subprocess.Popen`'s, which knows users
and groups. Both report exec's own error. What neither can do before the command runs is done by `system.wrapping`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache

from msgspec import Struct, field
from msgspec.structs import replace

from circus_stack.errors import ResourceShortageError, SpawnError
from circus_stack.system.crew import Crew
from circus_stack.system.executable import check_executable, locate, locate_beside, why_not_entered
from circus_stack.system.identity import Identity
from circus_stack.system.limits import Limits, check_limits, sets_limit
from circus_stack.system.open_files import as_given, given_limits, has_room
from circus_stack.system.posix_spawn import is_available, posix_spawn
from circus_stack.system.priorities import Priorities
from circus_stack.system.process_stamp import Stamp, stamp_of
from circus_stack.system.wrapping import wrap

# Too many descriptors here or in the whole machine, too many processes, no memory.
_SHORTAGES = frozenset({errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM})
# How many children are started at the same time. Each start is mostly waiting: for the child to be scheduled (a new
# session has to queue behind all others), and for its exec. More gained nothing on 2 cores, but cost CPU:
# each that is there waits for the GIL, too.
_AT_ONCE = 4
_OPEN_FILES = "nofile"


class SpawnPlan(Struct, frozen=True):
    """All that a new process needs; it leads a session of its own, so that its pid is also the number of its process
    group. `pass_fds` keep their numbers, `moved_fds` (the child's number -> ours) get others; stdin is /dev/null unless
    `stdin_fd` is given. `limits` and `priorities` are set before the command runs. With `tells_pid` its environment has
    LISTEN_PID. `fallback_path` is searched for a program without a slash in its name where `env` has no PATH and the
    system's default path doesn't know it."""

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: str | None
    identity: Identity | None
    pass_fds: tuple[int, ...]
    stdout_fd: int
    stderr_fd: int
    fallback_path: str = ""
    stdin_fd: int | None = None
    moved_fds: Mapping[int, int] = field(default_factory=dict)
    limits: Limits = field(default_factory=dict)
    priorities: Priorities | None = None
    tells_pid: bool = False
    # Files of control groups: it is in them before its command runs.
    control_groups: tuple[str, ...] = ()

    def fds(self) -> tuple[int, ...]:
        """All of ours that the process gets, and the numbers that they have there."""
        mine = (self.stdout_fd, self.stderr_fd, *self.pass_fds, *self.moved_fds, *self.moved_fds.values())
        return mine if self.stdin_fd is None else (self.stdin_fd, *mine)

    def other_identity(self) -> Identity | None:
        """Whom the process must become; None where it stays what the arbiter is."""
        one = self.identity
        if one is None or (one.uid == os.geteuid() and one.gid == os.getegid() and one.groups is None):
            return None
        return one


class Child(Struct, frozen=True):
    """A process to be watched; `pidfd` becomes readable when it ends. The reaper closes it. `stamp` is given for one
    that another arbiter has started: it is another one's child now."""

    pid: int
    pidfd: int
    stamp: Stamp | None = None


def spawn(plan: SpawnPlan) -> Child:
    """Start the process; raises SpawnError that names what could not be executed, and why: ResourceShortageError where
    the command is not to blame. Nothing of it runs then."""
    return _spawn(_with_given_limits([plan])[0])


def _spawn(plan: SpawnPlan, path: str | None = None) -> Child:
    program = plan.argv[0]
    try:
        pid = _start(plan, path)
    except OSError as error:
        raise _refusal(error, _explain(plan, error)) from error
    except (ValueError, OverflowError, subprocess.SubprocessError) as error:
        raise SpawnError(f"cannot execute {program!r}: {error}") from error
    return _child(pid, program)


def watch_child(pid: int) -> Child:
    """A process that another arbiter has started: a child of ours where that was the program that this process was
    before an exec. Raises ProcessLookupError where it is gone, and nobody's to reap."""
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        stamp = stamp_of(pid)
        if stamp is None:
            raise ProcessLookupError(errno.ESRCH, f"there is no process {pid}") from None
        return Child(pid, os.pidfd_open(pid), stamp)
    return Child(pid, os.pidfd_open(pid))


def spawn_all(plans: Sequence[SpawnPlan]) -> list[Child | SpawnError]:
    """Start several processes, some at the same time; what has become of them in the order of the plans."""
    plans = _with_given_limits(plans)
    if len(plans) == 1:
        return [_outcome(_Order(plans[0]))]
    # Most often they are all of one watcher: its program is looked for once.
    paths = {place: _found(*place) for place in {_place(plan) for plan in plans}}
    return _crew().do([_Order(plan, paths[_place(plan)]) for plan in plans])


class _Order(Struct, frozen=True):
    """A plan, and where its program was found, if it was."""

    plan: SpawnPlan
    path: str | None = None


def _place(plan: SpawnPlan) -> tuple[str, str | None, str]:
    """What decides where a program is found."""
    return plan.argv[0], plan.env.get("PATH"), plan.fallback_path


def _found(program: str, path: str | None, fallback_path: str) -> str | None:
    try:
        return locate(program, {} if path is None else {"PATH": path}, fallback_path)
    except OSError:
        # Each one that is to execute it will say so.
        return None


@cache
def _crew() -> Crew[_Order, Child | SpawnError]:
    return Crew(_outcome, _AT_ONCE, "circus-spawn")


def _outcome(order: _Order) -> Child | SpawnError:
    try:
        return _spawn(order.plan, order.path)
    except SpawnError as error:
        return error
    except Exception as error:
        # In a thread nobody would see it, and somebody waits for an outcome.
        return SpawnError(f"cannot execute {order.plan.argv[0]!r}: {error!r}")


def _with_given_limits(plans: Sequence[SpawnPlan]) -> Sequence[SpawnPlan]:
    """Processes that are started at the same time get the limit of open files that the arbiter was given in the same
    way: either it holds for the arbiter, too, while they start, or a program before theirs sets it."""
    given = given_limits()
    if given is None or has_room([fd for plan in plans for fd in plan.fds()]):
        return plans
    return [
        plan if sets_limit(plan.limits, _OPEN_FILES) else replace(plan, limits={**plan.limits, _OPEN_FILES: given})
        for plan in plans
    ]


def is_shortage(error: OSError) -> bool:
    """Whether the machine or a limit is at fault, for whatever else a process needs: its pipes, say."""
    return error.errno in _SHORTAGES


def _start(plan: SpawnPlan, path: str | None) -> int:
    # Its pidfd will need a number: without one the process could only be ended again.
    os.close(os.dup(plan.stdout_fd))
    if sets_limit(plan.limits, _OPEN_FILES):
        return _start_limited(plan, path)
    with as_given():
        return _start_limited(plan, path)


def _start_limited(plan: SpawnPlan, path: str | None) -> int:
    if plan.limits or plan.tells_pid or plan.priorities is not None or plan.control_groups:
        plan, path = _wrapped(plan), None
    if is_available() and plan.other_identity() is None:
        return _posix_spawn(plan, path or locate(plan.argv[0], plan.env, plan.fallback_path))
    if plan.moved_fds:
        raise SpawnError("descriptors can only get other numbers (listen_fds) with glibc 2.34 or newer")
    return _popen(plan)


def _wrapped(plan: SpawnPlan) -> SpawnPlan:
    """The same with the command in the hands of those programs that do the rest."""
    check_limits(plan.limits)
    path = locate(plan.argv[0], plan.env, plan.fallback_path)
    # What the programs before the command then do not find, they could only say in its output.
    check_executable(path, plan.cwd)
    command = [path, *plan.argv[1:]]
    argv = wrap(
        command,
        limits=plan.limits,
        priorities=plan.priorities,
        identity=plan.other_identity(),
        tells_pid=plan.tells_pid,
        groups=plan.control_groups,
        variables=plan.env,
    )
    return replace(plan, argv=argv, identity=None)


def _posix_spawn(plan: SpawnPlan, path: str) -> int:
    fds = {0: plan.stdin_fd, 1: plan.stdout_fd, 2: plan.stderr_fd, **{fd: fd for fd in plan.pass_fds}, **plan.moved_fds}
    return posix_spawn(path, plan.argv, plan.env, cwd=plan.cwd, fds=fds)


def _popen(plan: SpawnPlan) -> int:
    identity = plan.identity
    path = locate_beside(plan.argv[0], plan.env, plan.fallback_path)
    popen = subprocess.Popen(
        plan.argv if path is None else [path, *plan.argv[1:]],
        env=plan.env,
        cwd=plan.cwd,
        stdin=subprocess.DEVNULL if plan.stdin_fd is None else plan.stdin_fd,
        stdout=plan.stdout_fd,
        stderr=plan.stderr_fd,
        pass_fds=plan.pass_fds,
        start_new_session=True,
        # None: stays as it is, and needs no privilege. To set what is there already would need one for the groups.
        user=None if identity is None or identity.uid == os.geteuid() else identity.uid,
        group=None if identity is None or identity.gid == os.getegid() else identity.gid,
        extra_groups=None if identity is None else identity.groups,
    )
    # The pid belongs to the reaper from here on; a returncode keeps Popen from polling it in its destructor.
    popen.returncode = 0
    return popen.pid


def _child(pid: int, program: str) -> Child:
    try:
        return Child(pid, os.pidfd_open(pid))
    except OSError as error:
        # Nobody would ever hear of its end: it must not run.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)
        raise _refusal(error, f"cannot watch {program!r}, so it was ended again: {error.strerror}") from error


def _refusal(error: OSError, text: str) -> SpawnError:
    return ResourceShortageError(text) if is_shortage(error) else SpawnError(text)


def _explain(plan: SpawnPlan, error: OSError) -> str:
    if plan.cwd is not None and (reason := why_not_entered(plan.cwd)):
        return f"cannot enter the working directory {plan.cwd!r}: {reason}"
    program = plan.argv[0]
    if isinstance(error, FileNotFoundError) and "/" not in program:
        path = plan.env.get("PATH") or ":".join(filter(None, (os.defpath, plan.fallback_path)))
        return f"cannot execute {program!r}: there is no such program on PATH ({path})"
    return f"cannot execute {program!r}: {error.strerror}"
