"""Bounded waits on a condition. A wait that runs out fails the test and says what it waited for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# The machines that run these tests have two noisy cores: generous, since it bounds a hang and measures nothing.
PATIENCE_S = 20.0
# What has taken long will be seen a little later, and costs the less meanwhile: many conditions ask another process.
_GROWTH, _LONGEST_PAUSE_S = 1.1, 0.05


def wait_until(
    condition: Callable[[], T],
    what: str,
    *,
    timeout_s: float = PATIENCE_S,
    pause_s: float = 0.01,
    detail: Callable[[], object] = lambda: "",
) -> T:
    """Call `condition` until its result is truthy and return it; AssertionError after `timeout_s` seconds.

    The pauses in between begin with `pause_s` seconds and grow."""
    deadline = time.monotonic() + timeout_s
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout_s:.0f} s in vain for: {what}\n{detail()}")
        time.sleep(pause_s)
        pause_s = max(pause_s, min(pause_s * _GROWTH, _LONGEST_PAUSE_S))
