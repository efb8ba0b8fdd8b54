"""How long a slot waits after a failure, and when a watcher is given up. Pure: times and luck come in as arguments."""

from __future__ import annotations

from collections import deque

from msgspec import Struct

from circus_stack.arbiter.handover.record import BackoffRecord
from circus_stack.config.schema import WatcherConfig

# A process whose readiness proves nothing (there is none, or a stranger may have answered at the address that is asked)
# has run well when it got this old. Design: "ran well" is ready, or 10 s; DESIGN.md tells why ready
# alone is not enough.
RAN_WELL_AFTER_S = 10.0
# One that said itself that it serves, and then did so for this long, has run well; one that dies on its first request
# has not, and would otherwise be started again and again without a pause.
SERVED_WELL_AFTER_S = 1.0
# How long a slot, or a zygote, waits when the machine, not the command, is at fault: no descriptors, no memory, no
# processes left.
SHORTAGE_S = 1.0
# Once is chance, twice may be a coincidence: from so many failures in a row on a watcher is said to flap.
FLAPPING_AFTER = 3
# The exponent is bounded, so that a slot that fails for weeks doesn't compute with huge numbers: by then the longest
# delay is reached, or the factor is so near 1 that nobody wants it to be.
_MOST_STEPS = 200


class Schedule(Struct, frozen=True):
    """The delays of one watcher: from `initial_s` on `factor` times as long each time, `longest_s` at most; each is
    shortened by chance, by up to the part `jitter` of it."""

    initial_s: float = 0.1
    factor: float = 2.0
    longest_s: float = 30.0
    jitter: float = 0.0

    @classmethod
    def of(cls, config: WatcherConfig) -> Schedule:
        """What the watcher's options say."""
        return cls(config.backoff_initial, config.backoff_factor, config.backoff_max, config.backoff_jitter)

    def delay_s(self, failures: int, luck: float = 0.0) -> float:
        """The seconds to wait after so many failures in a row; `luck` is a number from 0 to 1.

        A first failure is retried at once: most are a passing fault.
        """
        if failures <= 1:
            return 0.0
        grown = min(self.longest_s, self.initial_s * self.factor ** min(failures - 2, _MOST_STEPS))
        # Nobody reads, nor keeps, more than milliseconds.
        return round(grown * (1 - self.jitter * luck), 3)


class Backoff:
    """Counts the failures of one watcher: in a row for each slot, and in a window for all of them."""

    def __init__(self) -> None:
        self._in_a_row: dict[int, int] = {}
        self._recent: deque[float] = deque()

    def succeeded(self, wid: int) -> None:
        """A process of that slot ran well."""
        self._in_a_row.pop(wid, None)

    def failed(self, wid: int, now: float) -> int:
        """Note a failure; how often that slot has failed in a row."""
        failures = self._in_a_row.get(wid, 0) + 1
        self._in_a_row[wid] = failures
        self._recent.append(now)
        return failures

    def failures(self, wid: int) -> int:
        """How often a slot failed in a row."""
        return self._in_a_row.get(wid, 0)

    @property
    def worst(self) -> int:
        """The longest row of failures that a slot is in; 0 without any."""
        return max(self._in_a_row.values(), default=0)

    @property
    def is_flapping(self) -> bool:
        """Whether a slot has failed so often in a row that it will hardly mend itself."""
        return self.worst >= FLAPPING_AFTER

    def recent(self, now: float, window_s: float) -> int:
        """How many failures of the whole watcher lie within the last `window_s` seconds."""
        while self._recent and self._recent[0] <= now - window_s:
            self._recent.popleft()
        return len(self._recent)

    def state(self) -> BackoffRecord:
        """What another one can begin from."""
        return BackoffRecord(in_a_row=dict(self._in_a_row), recent_at=tuple(self._recent))

    def restore(self, record: BackoffRecord) -> None:
        """Go on where another one was."""
        self._in_a_row = dict(record.in_a_row)
        self._recent = deque(record.recent_at)

    def reset(self) -> None:
        """Forget all: an operator started the watcher, or gave it another configuration."""
        self._in_a_row.clear()
        self._recent.clear()
