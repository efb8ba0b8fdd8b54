"""Where the gates of a stack's watchers come from, and how many seats they have: chaussette's own, put in here."""

from __future__ import annotations

import os

from chaussette.gate import MOST_SEATS, Gate
from circus_stack.arbiter.gates import Gates

# Two for each processor: while one worker waits for its application's data, the other works.
_SEATS_A_PROCESSOR = 2
_FEWEST_SEATS = 4


def make_gates(instance: str) -> Gates:
    """Those of the stack with that id."""
    wanted = _SEATS_A_PROCESSOR * len(os.sched_getaffinity(0))
    seats = min(max(wanted, _FEWEST_SEATS), MOST_SEATS)
    return Gates(seats, lambda _watcher, seats: Gate.create(f"circus-gate-{instance}", seats))
