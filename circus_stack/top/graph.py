"""Numbers as pictures made of characters: a sparkline, and a graph of several lines. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

_BLOCKS = " ▁▂▃▄▅▆▇█"
# A terminal that has no UTF-8 gets these.
_PLAIN = " .:-=+*#@"

Values = Sequence[float | None]


def sparkline(values: Values, width: int, *, top: float = 0.0, is_plain: bool = False) -> str:
    """The last `width` values, the newest to the right; `top` is what the highest mark means at least. What nobody
    knows is a blank, and so is the room on the left that there are no values for."""
    [line] = graph(values, width, 1, top=top, is_plain=is_plain)
    return line


def graph(values: Values, width: int, height: int, *, top: float = 0.0, is_plain: bool = False) -> list[str]:
    """Columns of blocks, `height` lines from the top. A value above 0 shows at least the lowest mark."""
    marks = _PLAIN if is_plain else _BLOCKS
    last = list(values[-width:]) if width > 0 else []
    highest = max([top, *(each for each in last if each is not None)], default=0.0)
    steps = [_steps(each, highest, height) for each in last]
    steps = [0] * (width - len(steps)) + steps
    return ["".join(marks[min(8, max(0, step - 8 * level))] for step in steps) for level in reversed(range(height))]


def _steps(value: float | None, highest: float, height: int) -> int:
    if value is None or value <= 0 or highest <= 0:
        return 0
    return max(1, round(8 * height * min(1.0, value / highest)))


def squeezed(values: Values, width: int) -> list[float | None]:
    """At most `width` values: the mean of each stretch of neighbours."""
    if len(values) <= width or width <= 0:
        return list(values)
    edges = [round(index * len(values) / width) for index in range(width + 1)]
    return [_mean(values[first:last]) for first, last in pairwise(edges)]


def _mean(values: Values) -> float | None:
    known = [each for each in values if each is not None]
    return sum(known) / len(known) if known else None
