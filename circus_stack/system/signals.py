"""Signals on their way into the loop: held back where nothing could answer them yet, and then none of them lost."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

# All that a person or an init system sends to an arbiter.
_HELD = (
    *(signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP),
    *(signal.SIGTTIN, signal.SIGTTOU, signal.SIGUSR2),
)


def hold_signals() -> None:
    """From here to `release_signals` a signal waits: it must not end a process that has something to clean up and no
    handler yet. A child that is started meanwhile would inherit this: start none."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)


def release_signals() -> None:
    """What has come meanwhile arrives now."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD)


def answer_signal(loop: asyncio.AbstractEventLoop, signum: int, callback: Callable[..., object], *args: object) -> None:
    """Call `callback(*args)` in the loop, soon, for a signal; `loop.remove_signal_handler` ends it. Main thread only.

    asyncio's own way is one byte a signal in a pipe that holds 277 of them: while the loop is busy and hundreds of
    children end, the rest is lost, a SIGTERM among them, and Python prints a traceback for each. Here the pipe only
    wakes the loop; the callback is put into its queue by Python's own handler, which runs whatever the pipe holds.
    """
    handle_signal(loop, signum, lambda: loop.call_soon_threadsafe(callback, *args))


def handle_signal(loop: asyncio.AbstractEventLoop, signum: int, handler: Callable[[], object]) -> None:
    """Call `handler()` for a signal, between any two steps of the main thread, and wake the loop. Main thread only.

    Without the second, a signal that comes just before the loop sleeps, or to another thread, is handled whenever
    something else wakes it.
    """
    loop.add_signal_handler(signum, _wake)
    signal.signal(signum, lambda _signum, _frame: handler())
    signal.siginterrupt(signum, False)
    # A full pipe is awake: nothing to warn of.
    signal.set_wakeup_fd(signal.set_wakeup_fd(-1), warn_on_full_buffer=False)


def _wake() -> None:
    """The loop is awake: that was all."""
