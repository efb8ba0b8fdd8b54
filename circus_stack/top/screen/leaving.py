"""How a signal ends the screen: as `q` does, or, where that gets stuck, all the same. Signals of the main thread."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import termios
from collections.abc import Callable
from types import FrameType
from typing import Any

# A terminal that takes nothing holds up whoever draws on it.
_GRACE_S = 5

_HANDLED = (signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)


class Leaving:
    """From `begin` until `end` SIGTERM and SIGHUP call `leave` in the event loop. If the program is still there some
    seconds later, it ends at once, with the settings that `terminal`, a descriptor, had in the beginning."""

    def __init__(self, leave: Callable[[], object], terminal: int) -> None:
        self._leave = leave
        self._terminal = terminal
        self._settings = settings_of(terminal)
        self._handlers: dict[signal.Signals, Any] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_leaving = False

    def begin(self) -> None:
        """To be called in the event loop. Not its own signal handlers: a loop that waits for the terminal runs none."""
        self._loop = asyncio.get_running_loop()
        for signum in _HANDLED:
            self._handlers[signum] = signal.signal(signum, self._handle)

    def _handle(self, signum: int, _frame: FrameType | None) -> None:
        if signum == signal.SIGALRM:
            self._abandon()
        if self._loop is None or self._is_leaving:
            return
        self._is_leaving = True
        signal.alarm(_GRACE_S)
        self._loop.call_soon_threadsafe(self._leave)

    def _abandon(self) -> None:
        if self._settings is not None:
            with contextlib.suppress(termios.error):
                termios.tcsetattr(self._terminal, termios.TCSANOW, self._settings)
        os._exit(128 + signal.SIGTERM)

    def end(self) -> None:
        """Give the signals back: from here on they kill. What is left of the end has the rest of its time."""
        for signum, before in self._handlers.items():
            if signum != signal.SIGALRM or not self._is_leaving:
                signal.signal(signum, before)
        self._handlers.clear()


def settings_of(terminal: int) -> list[Any] | None:
    """The settings of a terminal; None for what is none."""
    try:
        return termios.tcgetattr(terminal)
    except termios.error:
        return None
