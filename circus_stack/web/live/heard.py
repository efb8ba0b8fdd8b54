"""The events that this console has heard, for who comes later, and which there were that it has not heard. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

# Events that are remembered.
KEPT_EVENTS = 1000

Event = Mapping[str, Any]


class Heard(Struct, frozen=True):
    """Events, the oldest first. Of those up to the number `missing_through` some may not be among them; None: all that
    were asked for are here."""

    events: tuple[Event, ...]
    missing_through: int | None = None


class HeardEvents:
    """Events have numbers without a hole, until another arbiter counts anew."""

    def __init__(self, most: int = KEPT_EVENTS) -> None:
        self._kept: deque[Event] = deque(maxlen=most)
        # What happened up to that number is not known for certain.
        self._unknown_through = 0

    @property
    def newest(self) -> int:
        """The number of the newest that is known of."""
        kept = int(self._kept[-1]["seq"]) if self._kept else 0
        return max(kept, self._unknown_through)

    def joined(self, seq: int) -> None:
        """The publisher is there; the newest event before what it tells from now on was `seq`."""
        if seq != self.newest:
            # They went by while nobody listened; or it is another arbiter's count.
            self._begin_after(seq)

    def add(self, event: Event) -> None:
        """One more. Whatever has no number is not remembered."""
        seq = event.get("seq")
        if not isinstance(seq, int):
            return
        if seq != self.newest + 1:
            self._begin_after(seq - 1)
        if len(self._kept) == self._kept.maxlen:
            self._unknown_through = max(self._unknown_through, int(self._kept[0]["seq"]))
        self._kept.append(event)

    def _begin_after(self, seq: int) -> None:
        if seq < self.newest:
            self._kept.clear()
        self._unknown_through = seq

    def since(self, seq: int, limit: int | None = None) -> Heard:
        """Those after a number, of more than `limit` the newest."""
        found = [each for each in self._kept if each["seq"] > seq]
        through = self._unknown_through if max(seq, 0) < self._unknown_through else None
        if limit is not None and len(found) > limit:
            through = max(through or 0, int(found[-limit - 1]["seq"]))
            found = found[-limit:]
        return Heard(tuple(found), through)
