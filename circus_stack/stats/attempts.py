"""Parts of a tick, each of which may fail without the others: said once, tried again at the next tick."""

from __future__ import annotations

import logging
from collections.abc import Callable

log = logging.getLogger(__name__)


class Attempts:
    """`failing` are the parts whose last attempt has failed."""

    def __init__(self) -> None:
        self.failing: set[str] = set()

    def make(self, part: str, attempt: Callable[[], None]) -> None:
        """Call it; what it raises is told with the part's name, and not again until it has succeeded meanwhile."""
        try:
            attempt()
        except Exception:  # whatever it is, the next tick must come
            if part not in self.failing:
                log.exception("a part of the statistics failed and is tried again at each tick: %s", part)
            self.failing.add(part)
            return
        if part in self.failing:
            self.failing.discard(part)
            log.info("a part of the statistics works again: %s", part)
