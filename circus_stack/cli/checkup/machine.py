"""The kernel and its limits: what circus-stack uses, and what bites under load."""

from __future__ import annotations

import os
import platform
import pwd
import resource
from collections.abc import Iterator
from pathlib import Path

from circus_stack.cli.checkup.finding import Finding, Status

_AREA = "machine"
# Backlog of the arbiter's listening sockets; the kernel cuts it to somaxconn without a word.
_BACKLOG = 2048
# Three descriptors a worker in the arbiter, one a connection in a worker.
_FEW_FILES = 4096


def look_at_machine(proc: Path = Path("/proc")) -> Iterator[Finding]:
    """Everything that needs no program to be run; `proc` is where procfs is mounted."""
    yield _kernel()
    yield _pidfd()
    yield _adoption()
    yield _user(proc)
    yield _open_files()
    yield _somaxconn(proc)


def _kernel() -> Finding:
    is_linux = platform.system() == "Linux"
    return Finding(
        _AREA,
        "kernel",
        Status.OK if is_linux else Status.BROKEN,
        platform.release(),
        platform.system(),
        "" if is_linux else "circus-stack runs on Linux alone",
        is_required=True,
    )


def _pidfd() -> Finding:
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError) as error:
        return Finding(
            _AREA,
            "pidfd",
            Status.BROKEN,
            detail=f"pidfd_open: {error}",
            mend="Linux 5.3 or newer; in a container, a seccomp profile that allows pidfd_open",
            is_required=True,
        )
    return Finding(_AREA, "pidfd", Status.OK, detail="exits are seen at once", is_required=True)


def _adoption() -> Finding:
    """Whether an arbiter that is started by this user could fetch sockets out of what another one has left."""
    from circus_stack.arbiter.adoption.withheld import sees_all, why_withheld

    reason = why_withheld()
    if reason:
        detail = f"{reason}; a process beside each arbiter keeps sockets and pipes instead (fd_keeper)"
    elif sees_all():
        detail = "sockets and pipes can be fetched out of every process"
    else:
        detail = "sockets and pipes can be fetched out of this user's processes; fd_keeper does it for others"
    return Finding(_AREA, "adoption", Status.OK, detail=detail)


def _user(proc: Path) -> Finding:
    uid = os.geteuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = str(uid)
    first = _number(proc / "sys/net/ipv4/ip_unprivileged_port_start", 1024)
    if uid == 0:
        detail = "may bind any port; set uid and gid on watchers that need no root"
    else:
        detail = f"may bind ports from {first} on"
    return Finding(_AREA, "user", Status.OK, name, detail)


def _open_files() -> Finding:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= _FEW_FILES:
        return Finding(_AREA, "open files", Status.OK, str(soft))
    return Finding(
        _AREA,
        "open files",
        Status.HINT,
        str(soft),
        "each connection takes one; a worker that runs out of them stops accepting",
        f"ulimit -n {hard if hard > 0 else 65536} (in systemd: LimitNOFILE=)",
    )


def _somaxconn(proc: Path) -> Finding:
    limit = _number(proc / "sys/net/core/somaxconn", _BACKLOG)
    if limit >= _BACKLOG:
        return Finding(_AREA, "somaxconn", Status.OK, str(limit))
    return Finding(
        _AREA,
        "somaxconn",
        Status.HINT,
        str(limit),
        f"accept queues are cut to it; a listening socket asks for {_BACKLOG}",
        f"sysctl -w net.core.somaxconn={2 * _BACKLOG}",
    )


def _number(path: Path, default: int) -> int:
    """The number in a file of procfs, or `default` where there is none to read (a container)."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return default
