"""`debug_gc = true`: tells of each collection of the oldest generation, which is the one that takes time."""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Callable

_OLDEST = 2

log = logging.getLogger(__name__)


class GarbageLog:
    """A callback for `gc.callbacks`. `later` runs a function soon, in the loop: a collection may come in the middle of
    anything, where nothing may be logged."""

    def __init__(self, later: Callable[[Callable[[], None]], object]) -> None:
        self._later = later
        self._began = 0.0

    def __call__(self, phase: str, info: dict[str, int]) -> None:
        if info["generation"] != _OLDEST:
            return
        if phase == "start":
            self._began = time.perf_counter()
            return
        took_ms = (time.perf_counter() - self._began) * 1000
        found, left = info["collected"], info["uncollectable"]
        text = f"garbage: {found} objects collected, {left} uncollectable, in {took_ms:.1f} ms"
        self._later(lambda: log.info(text))


def watch_garbage(later: Callable[[Callable[[], None]], object]) -> Callable[[], None]:
    """Begin; the result ends it."""
    callback = GarbageLog(later)
    gc.callbacks.append(callback)
    return lambda: gc.callbacks.remove(callback)
