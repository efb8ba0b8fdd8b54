"""A worker's life: loading, serving, stopping. Signals come in here; the server is only woken, and asks.

The handlers do next to nothing: they run between any two bytecodes, under gevent also in its hub.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from _thread import start_new_thread  # the native one: a monkey-patched thread would wait for a hub that is stuck
from collections.abc import Callable
from types import FrameType

from chaussette.gate_fds import GateFds
from chaussette.notify import Notifier
from chaussette.scoreboard.layout import State
from chaussette.scoreboard.slot import Slot

log = logging.getLogger("chaussette")

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
EXIT_OK = 0
EXIT_CUT = 1
native_sleep = time.sleep
# A Ctrl-C reaches every process of the terminal, and a supervisor among them passes a SIGTERM on: that is one stop.
ECHO_S = 0.5
# After the server has had its grace time it gets this much to notice by itself, before the process is ended under it.
MARGIN_S = 0.5


def _nothing() -> None:
    """Stands where no one has registered yet, or wants to know."""


def _none_in_flight() -> int:
    return 0


def spare_hangups() -> None:
    """Have SIGHUP end nothing from here on, for a worker that will read its certificates: what comes before has nothing
    to read again. No SIG_IGN, which programs that the application starts would inherit."""
    signal.signal(signal.SIGHUP, lambda *_: None)


class Lifecycle:
    """Says when to stop, tells the supervisor, and bounds the stop.

    `graceful_timeout_s`: from the first SIGTERM or SIGINT to the cut of what is still in flight.
    `keepalive_drain_s`: how long an idle keep-alive connection may still send its last request.
    `slot`: that of the scoreboard which is ours, None for none. `gate`: where the workers of our sockets find out who
    of them watches, for the backends that can. A second SIGTERM or SIGINT, or SIGQUIT, ends the
    process at once.
    """

    def __init__(
        self,
        notifier: Notifier,
        *,
        graceful_timeout_s: float = 30.0,
        keepalive_drain_s: float = 1.0,
        slot: Slot | None = None,
        gate: GateFds | None = None,
    ) -> None:
        self.notifier = notifier
        self.slot = slot
        self.gate = gate
        self.graceful_timeout_s = graceful_timeout_s
        self.keepalive_drain_s = keepalive_drain_s
        # For the server to call for each connection that it has accepted.
        self.accepted: Callable[[], None] = _nothing if slot is None else slot.accepted
        self.should_stop = False
        self.stop_at = 0.0
        self._next_beat = 0.0
        self._is_serving = False
        self._is_finished = False
        self._wake: Callable[[], None] = _nothing
        self._in_flight: Callable[[], int] = _none_in_flight
        self._last_words: list[Callable[[], None]] = []

    def install(self) -> None:
        """Take over SIGTERM, SIGINT and SIGQUIT; main thread only. Call again where a library took them."""
        for signum in STOP_SIGNALS:
            signal.signal(signum, self._on_stop_signal)
        signal.signal(signal.SIGQUIT, self._on_quit_signal)

    def at_abrupt_end(self, call: Callable[[], None]) -> None:
        """Have `call` run before the process is ended without unwinding its stack; the last registered runs first."""
        self._last_words.append(call)

    def at_reload(self, call: Callable[[], None]) -> None:
        """Have SIGHUP call `call`, which must neither wait nor raise. Without one, SIGHUP ends the process."""
        signal.signal(signal.SIGHUP, lambda *_: call())

    def ready(self, wake: Callable[[], None], in_flight: Callable[[], int], status: str) -> None:
        """The server accepts. From here a stop calls `wake`, which only wakes the server's loop."""
        self._wake = wake
        self._in_flight = in_flight
        self._is_serving = True
        if self.slot is not None:
            # Before it is judged by it.
            self.slot.beat()
            self.slot.say(State.SERVING)
        self.notifier.ready(status)
        if self.should_stop:
            wake()

    def stop(self) -> None:
        """Begin to stop, as SIGTERM does; a second call changes nothing."""
        if self.should_stop:
            return
        self.should_stop = True
        self.stop_at = time.monotonic()
        if self.slot is not None:
            self.slot.say(State.STOPPING)
        self.notifier.stopping("finishing the requests in flight")
        start_new_thread(self._enforce_deadline, ())
        self._wake()

    def retire(self, reason: str) -> bool:
        """This worker should go: ask the supervisor for a successor and serve on until it comes, or stop where nobody
        answers to that. False where the supervisor could not be reached now."""
        if self.notifier.is_heard:
            return self.notifier.ask_replacement(reason)
        log.info("Stopping: %s", reason)
        self.stop()
        return True

    def finished(self) -> None:
        """The server has drained; the deadline no longer counts."""
        self._is_finished = True

    def drain_left_s(self) -> float:
        """Seconds until idle keep-alive connections are ended; never negative."""
        return max(0.0, self.stop_at + self.keepalive_drain_s - time.monotonic())

    def beat_due_in_s(self) -> float | None:
        """Seconds until the supervisor wants to hear of us again; None where it does not."""
        if self._beat_interval_s() is None:
            return None
        return max(0.0, self._next_beat - time.monotonic())

    def beat_if_due(self) -> None:
        """Tell the supervisor that the server's loop turns, if it is time to."""
        interval_s = self._beat_interval_s()
        if interval_s is None or self.beat_due_in_s():
            return
        self._next_beat = time.monotonic() + interval_s
        if self.slot is not None:
            self.slot.beat()
        if self.notifier.beat_interval_s is not None:
            self.notifier.beat()

    def _beat_interval_s(self) -> float | None:
        """The shorter of what the supervisor and the scoreboard want."""
        told = self.notifier.beat_interval_s
        if self.slot is None or not self.slot.beat_interval_s:
            return told
        return self.slot.beat_interval_s if told is None else min(told, self.slot.beat_interval_s)

    def _on_stop_signal(self, signum: int, _frame: FrameType | None) -> None:
        if not self._is_serving:
            raise SystemExit(EXIT_OK)
        if not self.should_stop:
            self.stop()
        elif time.monotonic() - self.stop_at > ECHO_S:
            self._end_at_once(f"second signal ({signal.Signals(signum).name})")

    def _on_quit_signal(self, _signum: int, _frame: FrameType | None) -> None:
        self._end_at_once("SIGQUIT")

    def _enforce_deadline(self) -> None:
        native_sleep(self.graceful_timeout_s + MARGIN_S)
        if not self._is_finished:
            self._end_at_once(f"graceful timeout of {self.graceful_timeout_s:g} s is over")

    def _end_at_once(self, reason: str) -> None:
        """Say what is cut, run the last words, and leave without waiting for anything."""
        count = self._count_in_flight()
        log.warning("%s: cut %d request%s in flight", reason, count, "" if count == 1 else "s")
        for call in reversed(self._last_words):
            try:
                call()
            except BaseException:
                log.exception("while ending at once")
        os._exit(EXIT_CUT if count else EXIT_OK)

    def _count_in_flight(self) -> int:
        try:
            return self._in_flight()
        except Exception:  # the server's structures may be half changed: a wrong count must not stop the end
            return 1
