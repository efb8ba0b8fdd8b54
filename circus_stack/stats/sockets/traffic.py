"""How many connections come in at each listening socket: counted by the workers that accept them. Pure."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from circus_stack.stats.metrics.served import Served

Fields = Mapping[str, Any]


class _Mark(Struct, frozen=True):
    """How many were accepted at a moment of the clock."""

    at: float
    accepted: int


class Traffic:
    """A worker counts all that it accepts: only of watchers with one socket it is known at which. `clock` is monotonic,
    in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._marks: dict[str, _Mark] = {}

    def measured(self, sockets: Sequence[Fields], served: Mapping[str, Served]) -> list[dict[str, Any]]:
        """The sockets as they are listed, each with `accepted` since circusd-stats began, `accepted_per_s`, and `reads`
        since the look before: None, None and 0 where nobody knows."""
        now = self._clock()
        uses = Counter(name for each in sockets for name in _watchers(each))
        marks, found = {}, []
        for each in sockets:
            mine = [served[name] for name in _watchers(each) if name in served]
            is_known = bool(mine) and all(uses[name] == 1 for name in _watchers(each) if name in served)
            accepted = _accepted(mine) if is_known else None
            name, reads, rate = str(each.get("name", "")), 0, None
            if accepted is not None:
                mark = self._marks.get(name)
                marks[name] = _Mark(now, accepted)
                if mark is not None and now > mark.at:
                    reads = max(0, accepted - mark.accepted)
                    rate = round(reads / (now - mark.at), 2)
            found.append({**each, "accepted": accepted, "accepted_per_s": rate, "reads": reads})
        self._marks = marks
        return found


def _watchers(listed: Fields) -> Sequence[str]:
    """Who inherits it; an arbiter of another version doesn't say."""
    found = listed.get("watchers")
    return found if isinstance(found, list) else ()


def _accepted(served: Iterable[Served]) -> int | None:
    """The sum; None where a backend keeps it to itself."""
    found = [each.known_accepted for each in served]
    known = [each for each in found if each is not None]
    return sum(known) if len(known) == len(found) else None
