"""The mean over one step, while it is under way. Pure."""

from __future__ import annotations

from collections.abc import Sequence


class RunningMean:
    """Of several values at a time; what nobody knew counts neither for nor against."""

    def __init__(self) -> None:
        self.start = -1
        self._sums: list[float] = []
        self._counts: list[int] = []

    def add(self, start: int, values: Sequence[float | None]) -> list[float | None]:
        """Take values in that belong to the step which began at `start`; the means of that step so far."""
        if start != self.start:
            self.start, self._sums, self._counts = start, [0.0] * len(values), [0] * len(values)
        for number, value in enumerate(values):
            if value is not None:
                self._sums[number] += value
                self._counts[number] += 1
        return [total / count if count else None for total, count in zip(self._sums, self._counts, strict=True)]
