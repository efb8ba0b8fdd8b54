"""Who has given a sign of life, and when: the watchdog's account. Pure; a datagram may hold anything."""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec import Struct, field

# A pid is what the kernel's pid_t holds.
_MAX_PID = 2**31 - 1


def parse_pid(pattern: re.Pattern[str], data: bytes) -> int | None:
    """The pid that a datagram names; None for one that is none of ours, whatever it is."""
    try:
        match = pattern.match(data.decode())
    except UnicodeDecodeError:
        return None
    word = match["pid"] if match is not None else None
    # isdigit() alone would take digits of other scripts, and a number of any length.
    if word is None or len(word) > 10 or not (word.isascii() and word.isdigit()):
        return None
    return int(word) if 0 < int(word) <= _MAX_PID else None


class Heartbeats(Struct):
    """Processes that are to give signs of life; moments are seconds of one clock."""

    _seen: dict[int, tuple[str, float]] = field(default_factory=dict)

    def expect(self, pid: int, watcher: str, now: float) -> None:
        """A process from whom signs are expected from now on; one that is known already stays as it is."""
        self._seen.setdefault(pid, (watcher, now))

    def forget(self, pid: int) -> None:
        """A process that is gone."""
        self._seen.pop(pid, None)

    def keep(self, pids: Iterable[int]) -> None:
        """Forget all others."""
        kept = set(pids)
        self._seen = {pid: seen for pid, seen in self._seen.items() if pid in kept}

    def beat(self, pid: int, now: float) -> bool:
        """A sign of life; False from one that nobody expects it from."""
        if pid not in self._seen:
            return False
        self._seen[pid] = (self._seen[pid][0], now)
        return True

    def silent_since(self, moment: float) -> list[tuple[int, str]]:
        """(pid, watcher) of all whose last sign came before `moment`; they are forgotten."""
        silent = [(pid, watcher) for pid, (watcher, seen) in self._seen.items() if seen < moment]
        for pid, _ in silent:
            del self._seen[pid]
        return silent

    def __len__(self) -> int:
        return len(self._seen)
