"""meinheld's loop, with a stop of our own. Imported only once meinheld is there.

`run()` takes SIGTERM and SIGINT for itself and cuts what is suspended. So a greenlet of ours lives in the loop: it
takes the signals back, is woken through the wake-up fd of the signal module, and stops the accepting.
"""

from __future__ import annotations

import contextlib
import logging
import os
import resource
import signal
import time
from _thread import start_new_thread
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

from meinheld import server

from chaussette.backends.meinheld_app import mended
from chaussette.idle import accepted_fds, end_silent, local_key
from chaussette.lifecycle import Lifecycle
from chaussette.sockets import Listener, has_queued

log = logging.getLogger("chaussette.meinheld")

# picoev keeps its timeouts in 128 slots of a second.
KEEPALIVE_S = 75
# picoev indexes a table by fd without a check: the table and the limit of open files must agree. 64 Ki fds take 3 MB.
MAX_FDS = 65536
DRAIN_ROUND_S = 0.05
# At stop, turns of the loop (8 connections each) for what waits in the accept queue of a socket of our own.
QUEUE_ROUNDS = 1000
# In meinheld, keep-alive of 0 means that each response closes its connection.
NO_KEEPALIVE = 0


class ErrorLog:
    """What meinheld calls with an exception that the application let out."""

    def error(self, kind: type[BaseException], error: BaseException | None, tb: TracebackType | None) -> None:
        """Log it with its traceback."""
        log.error("the application raised", exc_info=(kind, error, tb) if error else None)


# meinheld does not own a reference to it.
ERRORS = ErrorLog()


class Server:
    """meinheld on the listeners, until the lifecycle says stop. There can be one in a process: its state is global."""

    def __init__(self, app: Any, listeners: Sequence[Listener], environs: Sequence[dict[str, object]]) -> None:
        sockets = [listener.sock for listener in listeners]
        self._app = mended(app, sockets, environs)
        self._keys = [local_key(sock) for sock in sockets]
        # meinheld closes them at its end.
        self._fds = [sock.detach() for sock in sockets]
        self._own_fds = [fd for fd, listener in zip(self._fds, listeners, strict=True) if listener.is_queue_ours]
        self._is_over = False

    def run(self, lifecycle: Lifecycle, status: str) -> None:
        """Serve, drain, return."""
        limit_fds()
        server.set_access_logger(None)
        server.set_error_logger(ERRORS)
        server.set_keepalive(KEEPALIVE_S)
        server.set_listen_socket(list(self._fds))
        # Called once a second: the loop runs no bytecode of its own, so that nothing else would see a signal then.
        server.set_watchdog(lifecycle.beat_if_due)
        wake_in, wake_out = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        before = signal.set_wakeup_fd(wake_out, warn_on_full_buffer=False)
        try:
            server.spawn(lambda: self._control(lifecycle, status, wake_in, wake_out))
            server.run(self._app, silent=True)
        finally:
            self._is_over = True
            signal.set_wakeup_fd(before)
            os.close(wake_in)
            os.close(wake_out)

    def in_flight(self) -> int:
        """Open connections; which of them are idle is known to the C code alone."""
        return sum(1 for _ in accepted_fds(self._keys))

    def _control(self, lifecycle: Lifecycle, status: str, wake_in: int, wake_out: int) -> None:
        """Runs in meinheld's loop, which therefore accepts already."""
        lifecycle.install()
        wake = waker(wake_out)
        lifecycle.ready(wake, self.in_flight, status)
        while not lifecycle.should_stop:
            turn(wake_in)
        server.set_keepalive(NO_KEEPALIVE)
        for _ in range(QUEUE_ROUNDS):
            if not has_queued(self._own_fds):
                break
            wake()
            turn(wake_in)
        # Not server.stop(): its timeout is bounded by a minute, and a second call miscounts the connections.
        for fd in self._fds:
            server.cancel_wait(fd)
        start_new_thread(self._end_idle, (lifecycle,))

    def _end_idle(self, lifecycle: Lifecycle) -> None:
        """Let idle connections go once they have had their time; runs in a thread, since the loop has no such timer."""
        time.sleep(lifecycle.drain_left_s())
        while not self._is_over:
            end_silent(self._keys, lifecycle.keepalive_drain_s)
            time.sleep(DRAIN_ROUND_S)


def turn(wake_in: int) -> None:
    """Let the loop go on until something is written to the wake-up pipe."""
    server.trampoline(wake_in, read=True)
    with contextlib.suppress(BlockingIOError):
        os.read(wake_in, 4096)


def waker(wake_out: int) -> Callable[[], None]:
    """Ends the loop's wait; safe in a signal handler."""

    def wake() -> None:
        with contextlib.suppress(OSError):
            os.write(wake_out, b"\0")

    return wake


def limit_fds() -> None:
    """Make picoev's table and the limit of open files agree."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = min(soft, MAX_FDS) if soft != resource.RLIM_INFINITY else MAX_FDS
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    server.set_picoev_max_fd(limit)
