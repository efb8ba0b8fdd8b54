"""Runs callables of the user's in threads of their own, bounded in time. Knows nothing of watchers and of events.

A thread cannot be ended from outside. One that doesn't return in time is left behind: it is a daemon thread, so that it
keeps neither the loop nor the interpreter's end, and what it returns later on is dropped.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable

from msgspec import Struct

log = logging.getLogger(__name__)


class Verdict(Struct, frozen=True):
    """What a call came to: whether its value was true, or the exception that it raised, or that its time ran out."""

    is_true: bool = False
    error: BaseException | None = None


class LeftBehindError(Exception):
    """The call did not return in the time that it had."""


class ThreadedCall:
    """One call in one thread; `verdict` is done when it has returned, or was left behind."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, name: str, call: Callable[[], object], timeout_s: float
    ) -> None:
        self.name = name
        self.verdict: asyncio.Future[Verdict] = loop.create_future()
        self._loop = loop
        self._call = call
        self._timer = loop.call_later(timeout_s, self.leave_behind, f"timed out after {timeout_s:g} s")
        self._thread = threading.Thread(target=self._run, name=f"hook {name}", daemon=True)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """Whether its thread is still in there."""
        return self._thread.is_alive()

    def hurry(self, timeout_s: float) -> None:
        """Give it at most so much longer."""
        if not self.verdict.done() and self._timer.when() > self._loop.time() + timeout_s:
            self._timer.cancel()
            self._timer = self._loop.call_later(
                timeout_s, self.leave_behind, "was left behind: what it was called for is over"
            )

    def leave_behind(self, reason: str) -> None:
        """Wait for it no more."""
        self._resolve(Verdict(error=LeftBehindError(reason)))

    def _run(self) -> None:
        try:
            verdict = Verdict(is_true=bool(self._call()))
        except BaseException as error:  # Also SystemExit: a hook of the user's ends its own thread, and nothing else.
            verdict = Verdict(error=error)
        # The loop may be closed by now: nobody waits any more then.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._returned, verdict)

    def _returned(self, verdict: Verdict) -> None:
        if self.verdict.done():
            log.info("%s has returned after all", self.name)
        self._resolve(verdict)

    def _resolve(self, verdict: Verdict) -> None:
        self._timer.cancel()
        if not self.verdict.done():
            self.verdict.set_result(verdict)
