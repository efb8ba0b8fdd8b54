"""Colours of the screen: the terminal's own sixteen on its own ground, so that they fit a light and a dark one."""

from __future__ import annotations

from rich.style import Style

PLAIN = Style()
BOLD = Style(bold=True)
DIM = Style(dim=True)
TITLE = Style(bold=True, reverse=True)
SELECTED = Style(reverse=True)
GOOD = Style(color="green")
WARNING = Style(color="yellow")
BAD = Style(color="red", bold=True)
GRAPH = Style(color="cyan")
QUESTION = Style(color="red", bold=True, reverse=True)

_STATES = {
    "active": GOOD,
    "ready": GOOD,
    "starting": WARNING,
    "stopping": WARNING,
    "failed": BAD,
    "stopped": DIM,
}
# Percent of one core from which a process is worth a look, and from which it has no more to give.
_BUSY, _FULL = 70.0, 95.0


def of_state(state: str) -> Style:
    """The colour of a state."""
    return _STATES.get(state, PLAIN)


def of_cpu(percent: float | None) -> Style:
    """The colour of one process' CPU."""
    if percent is None or percent < _BUSY:
        return PLAIN
    return BAD if percent >= _FULL else WARNING


def of_queue(queued: int | None, limit: int | None) -> Style:
    """The colour of an accept queue: one that is half full is growing."""
    if not queued or not limit:
        return PLAIN
    return BAD if queued >= limit / 2 else WARNING if queued >= limit / 10 else PLAIN
