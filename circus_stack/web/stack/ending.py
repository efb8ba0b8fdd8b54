"""Whether this process was told to end: who waits here for something may be waiting for that very end."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Ending:
    """`is_near` from the first SIGTERM or SIGINT on. The server's own handlers are called as before."""

    def __init__(self) -> None:
        self.is_near = False
        self._is_watched = False

    def watch(self) -> None:
        """Hear of the signals from now on. To be called once the server runs, which takes them over when it starts;
        the second call does nothing. Raises ValueError in a thread, which may not."""
        if not self._is_watched:
            for signum in _SIGNALS:
                signal.signal(signum, self._after(signal.getsignal(signum)))
            self._is_watched = True

    def _after(self, theirs: Any) -> Callable[[int, FrameType | None], None]:
        def told(signum: int, frame: FrameType | None) -> None:
            self.is_near = True
            if callable(theirs):
                theirs(signum, frame)

        return told
