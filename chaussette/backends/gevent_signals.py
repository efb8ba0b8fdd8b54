"""Signals and gevent's hub. Imported only once gevent is there and has patched."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator

import gevent

# libev's flag for "tell me when there is something to read".
READ = 1


@contextlib.contextmanager
def woken_by_signals() -> Iterator[None]:
    """Have each signal end the hub's wait, so that its Python handler runs.

    gevent looks for signals just before it waits: one that comes between the two, or to a thread of the application,
    would wait with it, for ever where nothing else happens.
    """
    wake_in, wake_out = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    before = signal.set_wakeup_fd(wake_out, warn_on_full_buffer=False)
    watcher = gevent.get_hub().loop.io(wake_in, READ)

    def drain() -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(wake_in, 4096)

    watcher.start(drain)
    try:
        yield
    finally:
        watcher.stop()
        watcher.close()
        signal.set_wakeup_fd(before)
        os.close(wake_in)
        os.close(wake_out)
