"""bjoern in a thread of its own, and the main thread free for signals. Imported only once bjoern is there.

bjoern's loop ends on SIGINT as libev sees it: it stops accepting and runs until the last connection is closed. In the
main thread it would look at Python's signals ten times a second, and not at all once it drains.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Iterator
from threading import Thread
from types import FrameType
from typing import Any

import _bjoern

from chaussette.backends.bjoern_app import Site
from chaussette.idle import accepted_fds, end_silent, local_key
from chaussette.lifecycle import Lifecycle
from chaussette.sockets import Listener, has_queued

log = logging.getLogger("chaussette.bjoern")

ROUND_S = 0.05
# How often C's handler of SIGINT is looked at while libev takes it or gives it back: a millisecond, as a rule.
LOOK_S = 0.001
# How long bjoern's thread may take from there to its end, on a machine with more to do.
LOOP_END_S = 0.5
# struct sigaction, of which the first word is the handler; 152 bytes on x86-64 and arm64.
SIGACTION_BYTES = 256
SIG_DFL = 0


class Unnamed:
    """A listening socket that says its fd only: bjoern asks others for their name, and has two forms of an answer."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def fileno(self) -> int:
        """The fd."""
        return self._sock.fileno()


class Server:
    """bjoern on one listener, until the lifecycle says stop. There can be one in a process: its buffers are global."""

    def __init__(self, app: Any, listener: Listener, environ: dict[str, object], server_header: str) -> None:
        self._listener = listener
        self._site = Site(app, listener.sock.family, environ, server_header)
        self._keys = [local_key(listener.sock)]
        self._thread = Thread(target=self._serve, name="bjoern", daemon=True)
        self._wake: Callable[[], None] = lambda: None

    def run(self, lifecycle: Lifecycle, status: str) -> None:
        """Serve, drain, return."""
        with waker() as (wake_in, wake):
            self._wake = wake
            before = handler_in_c()
            self._thread.start()
            self._wait_for_handler(lambda now: now != before)
            lifecycle.install()
            lifecycle.ready(wake, self.in_flight, status)
            while not lifecycle.should_stop and self._thread.is_alive():
                wait(wake_in, self._pause_s(lifecycle))
                self._beat(lifecycle)
            self._site.is_stopping = True
            self._take_queue(wake_in)
            self._stop_accepting()
            self._drain(lifecycle, wake_in)

    def in_flight(self) -> int:
        """Open connections; which of them are idle is known to the C code alone."""
        return sum(1 for _ in accepted_fds(self._keys))

    def _serve(self) -> None:
        try:
            _bjoern.server_run(Unnamed(self._listener.sock), self._site)
        except Exception:
            log.exception("bjoern ended")
        finally:
            self._wake()

    def _pause_s(self, lifecycle: Lifecycle) -> float | None:
        due = lifecycle.beat_due_in_s()
        return max(due, ROUND_S) if due is not None else None

    def _beat(self, lifecycle: Lifecycle) -> None:
        """The loop turns unless the application holds it."""
        if self._site.in_application is None:
            lifecycle.beat_if_due()

    def _take_queue(self, wake_in: int) -> None:
        """What waits in the accept queue of a socket that only we serve is accepted first; the loop does it."""
        while self._listener.is_queue_ours and has_queued([self._listener.sock.fileno()]) and self._thread.is_alive():
            wait(wake_in, ROUND_S)

    def _stop_accepting(self) -> None:
        """Tell libev that a SIGINT came. It gives its handler back to the default, under which a Ctrl-C would kill."""
        counted = signal.getsignal(signal.SIGINT)
        is_looking = False

        def on_sigint(signum: int, frame: FrameType | None) -> None:
            nonlocal is_looking
            # While the first is judged the next ones add nothing.
            if is_looking:
                return
            is_looking = True
            # bjoern interrupts the main thread when its loop has ended, so its thread is about to: no one's second
            # Ctrl-C. What the kernel counts as open then, a client that closes, tells nothing.
            self._thread.join(LOOP_END_S)
            is_looking = False
            if callable(counted) and self._thread.is_alive():
                counted(signum, frame)

        # Before, since the loop may end while we wait for the default; and after it, to be the handler again.
        signal.signal(signal.SIGINT, on_sigint)
        ctypes.CDLL(_bjoern.__file__).ev_feed_signal(int(signal.SIGINT))
        self._wait_for_handler(lambda now: now == SIG_DFL)
        signal.signal(signal.SIGINT, on_sigint)

    def _drain(self, lifecycle: Lifecycle, wake_in: int) -> None:
        """Let idle connections go once they have had their time, until bjoern's loop ends by itself."""
        while self._thread.is_alive():
            wait(wake_in, lifecycle.drain_left_s() or ROUND_S)
            if not lifecycle.drain_left_s():
                end_silent(self._keys, lifecycle.keepalive_drain_s)
            self._beat(lifecycle)
        self._thread.join()

    def _wait_for_handler(self, is_done: Callable[[int], bool]) -> None:
        while self._thread.is_alive() and not is_done(handler_in_c()):
            time.sleep(LOOK_S)


def handler_in_c() -> int:
    """The address of the function that C runs at a SIGINT; Python knows its own ones only."""
    found = ctypes.create_string_buffer(SIGACTION_BYTES)
    ctypes.CDLL(None).sigaction(int(signal.SIGINT), None, found)
    return int.from_bytes(found.raw[: ctypes.sizeof(ctypes.c_void_p)], "little")


@contextlib.contextmanager
def waker() -> Iterator[tuple[int, Callable[[], None]]]:
    """A pipe that each signal writes to, and a call that does too; safe in a signal handler and in any thread."""
    wake_in, wake_out = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    before = signal.set_wakeup_fd(wake_out, warn_on_full_buffer=False)

    def wake() -> None:
        with contextlib.suppress(OSError):
            os.write(wake_out, b"\0")

    try:
        yield wake_in, wake
    finally:
        signal.set_wakeup_fd(before)
        os.close(wake_in)
        os.close(wake_out)


def wait(wake_in: int, timeout_s: float | None) -> None:
    """Until something is written to the pipe, or the time is over."""
    poll = select.poll()
    poll.register(wake_in, select.POLLIN)
    poll.poll(None if timeout_s is None else timeout_s * 1000)
    with contextlib.suppress(BlockingIOError):
        os.read(wake_in, 4096)
