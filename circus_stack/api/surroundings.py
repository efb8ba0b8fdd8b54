"""What an arbiter finds in the program that it runs in, and leaves as it was: signals, umask, stdout, stderr."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator

from circus_stack.errors import CircusStackError
from circus_stack.streams.lane import Lane
from circus_stack.streams.output import Console
from circus_stack.streams.sinks.console import RawConsoleSink

_HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP, signal.SIGTTIN, signal.SIGTTOU)


def is_patched() -> bool:
    """Whether gevent has patched the sockets of this program.

    They wait where an arbiter's must not: a read with MSG_DONTWAIT stops its whole loop there.
    """
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("socket"))


def refuse_patched() -> None:
    """Raises CircusStackError in a program whose sockets gevent has patched."""
    if is_patched():
        raise CircusStackError(
            "gevent has patched the sockets of this program, so that this arbiter cannot run in it: use that of "
            "circus.green (get_arbiter), which has a process of its own, or run circusd beside the program"
        )


@contextlib.contextmanager
def signals_put_back() -> Iterator[None]:
    """What the program itself does on a signal, it does again afterwards."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {signum: signal.getsignal(signum) for signum in _HANDLED}
    try:
        yield
    finally:
        for signum, handler in before.items():
            if handler is not None:
                signal.signal(signum, handler)


@contextlib.contextmanager
def own_output() -> Iterator[tuple[Lane, Lane]]:
    """The program's own stdout and stderr, for what no option sends elsewhere."""
    console = Console.of_process()
    stdout = Lane(RawConsoleSink(console), name="stdout")
    stderr = stdout if console.is_one_place() else Lane(RawConsoleSink(console), name="stderr")
    try:
        yield stdout, stderr
    finally:
        for lane in {stdout, stderr}:
            lane.close()
        for lane in {stdout, stderr}:
            lane.wait_closed(2.0)


@contextlib.contextmanager
def umask_of(mask: int | None) -> Iterator[None]:
    if mask is None:
        yield
        return
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)
