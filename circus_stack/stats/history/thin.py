"""Fewer points for a reader: as many as a picture shows. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Column = list[float | None]
# A week of minutes would be a reply of most of a megabyte.
MOST = 1000


def thin(
    step_s: int, times: Sequence[int], columns: Mapping[str, Column], most: int = MOST
) -> tuple[int, list[int], dict[str, Column]]:
    """(step, times, columns) of `most` points at most: means over a longer step, where there are more."""
    if len(times) <= most:
        return step_s, list(times), dict(columns)
    # Steps begin at multiples of their length: one more of them may be touched than fit into the span.
    steps = (times[-1] - times[0]) // step_s + 1
    longer = step_s * -(-steps // (most - 1))
    groups: dict[int, list[int]] = {}
    for number, moment in enumerate(times):
        groups.setdefault(moment // longer * longer, []).append(number)
    thinned = {
        name: [_mean([values[at] for at in each]) for each in groups.values()] for name, values in columns.items()
    }
    return longer, list(groups), thinned


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
