"""Starts one process from a finished plan. Decides nothing: argv, environment and identity are given.

`subprocess.Popen` does the fork and exec (vfork where it can), reports exec's own error, and is not asked for more:
waiting is the reaper's.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from circus_stack.errors import ResourceShortageError, SpawnError
from circus_stack.system.identity import Identity
from circus_stack.system.open_files import hand_back

# Too many descriptors here or in the whole machine, too many processes, no memory.
_SHORTAGES = frozenset({errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM})


@dataclass(frozen=True, slots=True)
class SpawnPlan:
    """All that a new process needs. `pass_fds` keep their numbers; stdin is /dev/null; the child leads a session of
    its own, so that its pid is also the number of its process group. `fallback_path` is searched for a program without
    a slash in its name where `env` has no PATH and the system's default path doesn't know it."""

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: str | None
    identity: Identity | None
    pass_fds: tuple[int, ...]
    stdout_fd: int
    stderr_fd: int
    fallback_path: str = ""


@dataclass(frozen=True, slots=True)
class Child:
    """A started process; `pidfd` becomes readable when it ends. The reaper closes it."""

    pid: int
    pidfd: int


def spawn(plan: SpawnPlan) -> Child:
    """Start the process; raises SpawnError that names what could not be executed, and why: ResourceShortageError where
    the command is not to blame. Nothing of it runs then."""
    identity = plan.identity
    try:
        popen = subprocess.Popen(
            _located(plan),
            env=plan.env,
            cwd=plan.cwd,
            stdin=subprocess.DEVNULL,
            stdout=plan.stdout_fd,
            stderr=plan.stderr_fd,
            pass_fds=plan.pass_fds,
            start_new_session=True,
            # None: stays as it is, and needs no privilege. To set what is there already would need one for the groups.
            user=None if identity is None or identity.uid == os.geteuid() else identity.uid,
            group=None if identity is None or identity.gid == os.getegid() else identity.gid,
            extra_groups=None if identity is None else identity.groups,
        )
    except OSError as error:
        raise _refusal(error, _explain(plan, error)) from error
    except (ValueError, OverflowError, subprocess.SubprocessError) as error:
        raise SpawnError(f"cannot execute {plan.argv[0]!r}: {error}") from error
    # The pid belongs to the reaper from here on; a returncode keeps Popen from polling it in its destructor.
    popen.returncode = 0
    child = _child(popen.pid, plan.argv[0])
    hand_back(child.pid)
    return child


def is_shortage(error: OSError) -> bool:
    """Whether the machine or a limit is at fault, for whatever else a process needs: its pipes, say."""
    return error.errno in _SHORTAGES


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


def _located(plan: SpawnPlan) -> Sequence[str]:
    """The command, its program as a path where only `fallback_path` knows it.

    Circus gives its children no environment unless told so, and then finds on the system's default path alone what it
    is to execute: what is found there must stay the same.
    """
    program, *rest = plan.argv
    if "/" in program or "PATH" in plan.env or shutil.which(program, path=os.defpath) is not None:
        return plan.argv
    found = shutil.which(program, path=plan.fallback_path) if plan.fallback_path else None
    return plan.argv if found is None else [str(Path(found).absolute()), *rest]


def _explain(plan: SpawnPlan, error: OSError) -> str:
    if plan.cwd is not None and error.filename == plan.cwd:
        return f"cannot enter the working directory {plan.cwd!r}: {error.strerror}"
    program = plan.argv[0]
    if isinstance(error, FileNotFoundError) and "/" not in program:
        path = plan.env.get("PATH") or ":".join(filter(None, (os.defpath, plan.fallback_path)))
        return f"cannot execute {program!r}: there is no such program on PATH ({path})"
    return f"cannot execute {program!r}: {error.strerror}"
