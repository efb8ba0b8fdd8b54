"""A log line that a hostile client could bring about without end: written once a second at most."""

from __future__ import annotations

from collections.abc import Callable

_PAUSE_S = 1.0


class Complaint:
    """`write` is a logger's method. What is left out is counted, and told with the next line."""

    def __init__(self, clock: Callable[[], float], write: Callable[[str], None]) -> None:
        self._clock = clock
        self._write = write
        self._silent_until = float("-inf")
        self._left_out = 0

    def __call__(self, text: str, *values: object) -> None:
        """Write it, or count it."""
        now = self._clock()
        if now < self._silent_until:
            self._left_out += 1
            return
        more = f" (and {self._left_out} like it before)" if self._left_out else ""
        self._silent_until, self._left_out = now + _PAUSE_S, 0
        self._write(text % values + more)
