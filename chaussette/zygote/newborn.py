"""What makes a fork of the zygote a worker like any other: descriptors, session, environment, random numbers, its end.

Runs in the worker, where it doesn't say otherwise. Until the gate opens it does nothing that could fail: who started it
may not know it yet.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import os
import random
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import NoReturn

from chaussette.zygote.control import Control, close_all
from chaussette.zygote.messages import Birth

_STANDARD = (0, 1, 2)
_OWN_FD = "/proc/self/fd/"


def settle(birth: Birth, received: Sequence[int], control: Control) -> dict[int, int]:
    """Take what is ours of the descriptors, close the others, and wait at the gate. The number that the supervisor has
    given to a descriptor -> the one that it has here: the application may have taken it for a file of its own."""
    control.close()
    os.setsid()
    _restore_signals()
    mine = {number: received[place] for number, place in birth.fds.items()}
    gate = received[birth.gate]
    numbers = {number: _placed(number, fd) for number, fd in mine.items()}
    kept = {gate, *numbers.values()}
    close_all([fd for fd in received if fd not in kept])
    is_open = os.read(gate, 1)
    os.close(gate)
    if not is_open:
        os._exit(0)
    return numbers


def _restore_signals() -> None:
    """What a library has installed wrote into a pipe that all forks share."""
    signal.set_wakeup_fd(-1)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _placed(number: int, fd: int) -> int:
    """The descriptor under its number where that is one of the standard ones, or free; else where it is."""
    if number not in _STANDARD and (number == fd or _is_open(number)):
        return fd
    os.dup2(fd, number, inheritable=number in _STANDARD)
    return number


def _is_open(number: int) -> bool:
    try:
        fcntl.fcntl(number, fcntl.F_GETFD)
    except OSError:
        return False
    return True


def change_environment(changes: Mapping[str, str | None], numbers: Mapping[int, int]) -> None:
    """Take over the variables in which the worker differs from its zygote; what the application has set stays."""
    for name, value in changes.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = _renumbered(value, numbers)


def _renumbered(value: str, numbers: Mapping[int, int]) -> str:
    """A path that names a descriptor, as the one of the notify socket does for a worker of another user."""
    number = value.removeprefix(_OWN_FD)
    if number == value or not number.isdecimal():
        return value
    return f"{_OWN_FD}{numbers.get(int(number), int(number))}"


def prime_randomness() -> None:
    """In the zygote: have OpenSSL, where it is there, set itself up. That takes 8 ms and 2 MB, which no worker then has
    to take for itself."""
    ssl = sys.modules.get("ssl")
    if ssl is not None:
        ssl.RAND_bytes(1)


def renew_randomness() -> None:
    """No two workers draw the same numbers. `secrets`, `uuid4` and OpenSSL ask the kernel, or see to it themselves."""
    random.seed()
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()
    ssl = sys.modules.get("ssl")
    if ssl is not None:
        ssl.RAND_add(os.urandom(32), 32.0)


def leave(status: int) -> NoReturn:
    """End the worker as the interpreter would, but for taking apart every object: that would touch, and so copy, all
    the memory that the workers share, at the very moment when all of them stop."""
    for call in (getattr(threading, "_shutdown", None), atexit._run_exitfuncs, sys.stdout.flush, sys.stderr.flush):
        if call is not None:
            with contextlib.suppress(Exception):
                call()
    os._exit(status)
