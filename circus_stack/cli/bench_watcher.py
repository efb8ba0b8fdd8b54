"""What `circus-stack bench run` shows while it runs, on standard error: one line that changes, or a line a round."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from circus_stack.cli.bench_suite import suite
from circus_stack.cli.style import Style

if TYPE_CHECKING:
    from benchmarks.suite.result import Entrant, Round
    from benchmarks.suite.run import Plan

_CLEAR = "\r\x1b[K"


class ProgressPrinter:
    """A `Watcher` of the suite. Remaining time is that of the loads alone, which is nearly all."""

    def __init__(self, plan: Plan, style: Style) -> None:
        self._plan = plan
        self._style = style
        self._left_s = plan.load_s()
        self._said = ""

    def preparing(self, contestant: str, is_installing: bool) -> None:
        self._show(f"{'installing' if is_installing else 'starting'} {contestant}")

    def failed(self, entrant: Entrant) -> None:
        self._line(f"{entrant.name} failed: {entrant.failure}")

    def loading(self, scenario: str, contestant: str, number: int) -> None:
        what = f"round {number} of {self._plan.rounds}" if number else "warming up"
        self._show(f"{_clock(self._left_s)} left: {scenario}, {what}, {contestant}", f"{scenario}, {what}")
        self._left_s = max(0, self._left_s - (self._plan.seconds if number else self._plan.warm_up))

    def measured(self, found: Round) -> None:
        if not self._style.is_terminal:
            self._line(f"  {found.contestant}: {suite.words.number(found.rate)} requests/s")

    def end(self) -> None:
        """Nothing more is shown."""
        if self._style.is_terminal:
            self._write(_CLEAR)

    def _show(self, text: str, briefly: str | None = None) -> None:
        """For who looks on; in a pipe, `briefly` alone, and once."""
        if self._style.is_terminal:
            width = self._style.width
            self._write(_CLEAR + (text if width is None else text[: width - 1]))
        elif (briefly or text) != self._said:
            self._said = briefly or text
            self._line(self._said)

    def _line(self, text: str) -> None:
        self._write((_CLEAR if self._style.is_terminal else "") + text + "\n")

    def _write(self, text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()


def _clock(seconds: int) -> str:
    return f"{seconds // 60}:{seconds % 60:02d}"
