"""Asking again and again until a process serves, where it doesn't say so itself."""

from __future__ import annotations

import asyncio

from circus_stack.arbiter.probe import RunCommand, attempt
from circus_stack.config.values import Readiness, ReadinessForm

# Nothing wakes us when a foreign port opens: a probe has to ask again, often at first and then less so.
_FIRST_PAUSE_S = 0.02
_LONGEST_PAUSE_S = 0.25
# One try of one probe.
_TRY_TIMEOUT_S = 5.0


async def wait_ready(readiness: Readiness, run: RunCommand) -> None:
    """Return when the probe has succeeded; runs until it does or is cancelled. `run` is for `exec:`."""
    if readiness.form is ReadinessForm.DELAY:
        await asyncio.sleep(float(readiness.target))
        return
    pause_s = _FIRST_PAUSE_S
    while await attempt(readiness, run, _TRY_TIMEOUT_S):
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 1.5, _LONGEST_PAUSE_S)
