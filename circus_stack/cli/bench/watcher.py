"""What `circus-stack bench` shows while it measures, on standard error: one line that changes, or a line a step."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from circus_stack.cli.bench.suite import suite
from circus_stack.cli.style import BOLD, Style

if TYPE_CHECKING:
    from benchmarks.suite.plan import Plan
    from benchmarks.suite.result import Entrant

_CLEAR = "\r\x1b[K"


class ProgressPrinter:
    """A `Watcher` of the suite. What is left of a part is its kind's estimate, less what has passed since it began."""

    def __init__(self, plans: Sequence[Plan], style: Style, clock: Callable[[], float] = time.monotonic) -> None:
        self._left = list(plans)
        self._plan = plans[0]
        self._style = style
        self._clock = clock
        self._began = clock()
        self._said = ""

    def beginning(self, plan: Plan) -> None:
        self._plan = plan
        self._left = self._left[self._left.index(plan) + 1 :]
        self._began = self._clock()
        self._line(self._style.paint(plan.title, BOLD))

    def preparing(self, entrant: str, is_installing: bool) -> None:
        self._show(f"{'installing' if is_installing else 'starting'} {entrant}")

    def failed(self, entrant: Entrant) -> None:
        self._line(f"{entrant.name} failed: {entrant.failure}")

    def loading(self, what: str, entrant: str, number: int) -> None:
        step = f"round {number} of {self._plan.rounds}" if number else "warming up"
        if self._plan.kind == suite.summary.STEPS:
            # Nobody knows how many there will be.
            step = f"step {number}" if number else "before the first step"
        self._show(f"{what}, {step}, {entrant}", f"{what}, {step}")

    def measured(self, entrant: str, text: str) -> None:
        if not self._style.is_terminal:
            self._line(f"  {entrant}: {text}")

    def end(self) -> None:
        """Nothing more is shown."""
        if self._style.is_terminal:
            self._write(_CLEAR)

    def left_s(self) -> float:
        """Seconds, by the estimates."""
        kinds = suite.programme.KINDS
        of_this = kinds[self._plan.kind].estimate_s(self._plan) - (self._clock() - self._began)
        return max(0.0, of_this) + sum(kinds[each.kind].estimate_s(each) for each in self._left)

    def _show(self, text: str, briefly: str | None = None) -> None:
        """For who looks on; in a pipe, `briefly` alone, and once."""
        left = f"{_clock(self.left_s())} left: "
        if self._style.is_terminal:
            width = self._style.width
            self._write(_CLEAR + (left + text if width is None else (left + text)[: width - 1]))
        elif (briefly or text) != self._said:
            self._said = briefly or text
            self._line(left + self._said)

    def _line(self, text: str) -> None:
        self._write((_CLEAR if self._style.is_terminal else "") + text + "\n")

    def _write(self, text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
