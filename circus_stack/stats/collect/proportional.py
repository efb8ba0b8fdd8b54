"""Memory by its parts (PSS) of each process: dear to read, so at a slow pace, and some at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable

# A page table of a large process takes milliseconds to add up: of each tick no more than this is spent.
_BUDGET_S = 0.003
# Nobody's is read again sooner.
_EVERY_S = 15.0


class Proportional:
    """`read` returns bytes, or None of a process that is gone or another user's. `clock` is monotonic, in seconds."""

    def __init__(self, read: Callable[[int], int | None], clock: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._clock = clock
        self._known: dict[int, tuple[float, int | None]] = {}

    def refresh(self, pids: Iterable[int]) -> None:
        """Read those again whose turn it is, the longest unread first, as long as the time of one tick lasts; at least
        one."""
        began = self._clock()
        due = [pid for pid in pids if began - self._at(pid) >= _EVERY_S]
        for pid in sorted(due, key=self._at):
            self._known[pid] = (self._clock(), self._read(pid))
            if self._clock() - began > _BUDGET_S:
                break

    def _at(self, pid: int) -> float:
        return self._known[pid][0] if pid in self._known else float("-inf")

    def of(self, pids: Collection[int], descendants: Iterable[int] = ()) -> int | None:
        """The sum over processes, None unless that of each is known; with that of their descendants, of whom those that
        came just now are left out, since some come and go faster than they are read."""
        known = [found for pid in pids if (found := self._bytes(pid)) is not None]
        if not known or len(known) < len(pids):
            return None
        return sum(known) + sum(self._bytes(pid) or 0 for pid in descendants)

    def _bytes(self, pid: int) -> int | None:
        return self._known[pid][1] if pid in self._known else None

    def keep(self, pids: Collection[int]) -> None:
        """Forget everybody else."""
        self._known = {pid: each for pid, each in self._known.items() if pid in pids}
