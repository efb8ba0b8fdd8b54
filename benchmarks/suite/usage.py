"""What processes have used of a processor, finer than the ticks of 10 ms that most of /proc counts in."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path


def ran_s(pids: Iterable[int]) -> float:
    """Seconds that the threads of these processes have run until now; a process that is gone counts nothing."""
    return sum(map(_ran_ns, pids)) / 1e9


def _ran_ns(pid: int) -> int:
    total = 0
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                total += int((task / "schedstat").read_text().split()[0])
    return total
