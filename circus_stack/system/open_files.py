"""How many files may be open: the arbiter takes all that it may have, its children get what it was given."""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import select
import threading
from collections.abc import Iterable, Iterator

from msgspec import Struct, field

_FILES = resource.RLIMIT_NOFILE


# So many numbers right below the limit that the arbiter was given are looked at (the kernel gives out the lowest that
# is free), and so many of them must be free: a batch of processes that starts under that limit needs some, and so do
# other threads meanwhile.
_LOOKED_AT = 256
_ROOM = 64


class _Given(Struct):
    """A limit is the whole process's, and so is the memory of what it was; `holders` need it as it was just now."""

    limits: tuple[int, int] | None = None
    holders: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


_given = _Given()


def raise_open_files() -> None:
    """Raise the soft limit of this process to the hard one; from here on its children have to be given what it was.

    The soft limit is low by default for the sake of programs that use select(): the arbiter's loop doesn't.
    """
    soft, hard = resource.getrlimit(_FILES)
    if soft == hard:
        return
    # Not even that may be allowed in a sandbox; then things are as they were.
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(_FILES, (hard, hard))
        _given.limits = (soft, hard)


def remember_given(limits: tuple[int, int] | None) -> None:
    """The limits that this process was given before an exec, which left them raised."""
    _given.limits = limits


def given_limits() -> tuple[int, int] | None:
    """The soft and the hard limit that this process was started with; None where they are still what holds."""
    return _given.limits


@contextlib.contextmanager
def as_given() -> Iterator[None]:
    """The limits that this process was started with hold meanwhile, for all of its threads: what is started now has
    them from its first moment. Ask `has_room` before: what is opened meanwhile needs a number below them."""
    if _given.limits is None:
        yield
        return
    soft, hard = _given.limits
    with _given.lock:
        _given.holders += 1
        if _given.holders == 1:
            resource.setrlimit(_FILES, (soft, hard))
    try:
        yield
    finally:
        with _given.lock:
            _given.holders -= 1
            if _given.holders == 0:
                resource.setrlimit(_FILES, (hard, hard))


def has_room(fds: Iterable[int]) -> bool:
    """Whether these descriptors, and enough that may be opened meanwhile, have numbers below the limit that this
    process was started with."""
    if _given.limits is None:
        return True
    soft = _given.limits[0]
    looked_at = select.poll()
    for number in range(max(0, soft - _LOOKED_AT), soft):
        looked_at.register(number, 0)
    free = sum(bool(event & select.POLLNVAL) for _, event in looked_at.poll(0))
    return free >= _ROOM and max(fds, default=0) < soft


def out_of_the_way(fd: int) -> int:
    """The same file under a number that the limit this process was started with would not allow, so that those below it
    stay free; `fd` itself where that cannot be. For what stays open for long, one for each process."""
    if _given.limits is None:
        return fd
    try:
        moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _given.limits[0])
    except OSError:
        # Lowered just now, or none left above: it only takes up room below.
        return fd
    os.close(fd)
    return moved


def most_open_files() -> int | None:
    """What the arbiter may have open once it has raised its limit; None where there is no limit."""
    _, hard = resource.getrlimit(_FILES)
    return None if hard == resource.RLIM_INFINITY else hard
