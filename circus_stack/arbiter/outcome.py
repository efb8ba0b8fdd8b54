"""What an operation did, as pids: the `info` of a waiting reply."""

from __future__ import annotations

from msgspec import Struct


class Outcome(Struct, frozen=True):
    """Pids that were started, that were stopped, and that were left as they were."""

    started: tuple[int, ...] = ()
    stopped: tuple[int, ...] = ()
    kept: tuple[int, ...] = ()

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(self.started + other.started, self.stopped + other.stopped, self.kept + other.kept)
