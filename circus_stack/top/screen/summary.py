"""The first lines: who is shown, what all of it uses together, and what is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from textual.strip import Strip
from textual.widget import Widget

from circus_stack.top import words
from circus_stack.top.graph import sparkline
from circus_stack.top.printable import printable
from circus_stack.top.rows import StackRow
from circus_stack.top.screen import styles
from circus_stack.top.screen.text import Piece, strip_of
from circus_stack.top.series import Memory

# Cells of a sparkline; the short one lets all figures stand in 80 columns.
_SPARK, _SHORT_SPARK = 10, 4
_WIDE = 110
# (field, its title, its text, what the sparkline's full height is at least)
_FIGURES = (
    ("cpu", "CPU", lambda value: words.percent(value) + "%", 10.0),
    ("rss", "RSS", words.size, 0.0),
    ("rps", "RPS", words.rate, 1.0),
    ("p99", "P99", words.latency, 0.0),
    ("busy", "BUSY", lambda value: words.count(int(value)), 1.0),
)


class Summary(Widget):
    """Two lines, and one more for each stack that something is wrong with."""

    DEFAULT_CSS = "Summary { height: 2; }"

    def __init__(self, memory: Memory) -> None:
        super().__init__()
        self._memory = memory
        self._lines: list[list[Piece]] = []

    def show(self, stacks: Sequence[StackRow], *, waits_for: int) -> None:
        """Take over a look. `waits_for` is of how many stacks nothing was heard yet."""
        lines = [list(_who(stacks, waits_for)), list(self._figures(stacks))]
        lines += [[(printable(f"{each.name}: {each.trouble}"), styles.BAD)] for each in stacks if each.trouble]
        if len(lines) != len(self._lines):
            self.styles.height = len(lines)
        self._lines = lines
        self.refresh()

    def _figures(self, stacks: Sequence[StackRow]) -> Iterator[Piece]:
        for field, title, text, top in _FIGURES:
            known = [value for each in stacks if (value := getattr(each.figures, field)) is not None]
            if not known:
                continue
            yield f"{title} ", styles.DIM
            yield text(max(known) if field == "p99" else sum(known)), styles.BOLD
            if len(stacks) == 1:
                cells = _SPARK if self.size.width >= _WIDE else _SHORT_SPARK
                values = self._memory.of((stacks[0].name, "", 0)).last(field, cells)
                yield " " + sparkline(values, cells, top=top), styles.GRAPH
            yield "  ", styles.PLAIN

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        return strip_of(self._lines[y] if y < len(self._lines) else [], self.size.width)


def _who(stacks: Sequence[StackRow], waits_for: int) -> Iterator[Piece]:
    yield "circus-top  ", styles.BOLD
    if len(stacks) == 1:
        [stack] = stacks
        yield printable(stack.name), styles.BOLD
        if stack.started is not None:
            yield f"  up {words.age(max(0.0, stack.time - stack.started))}", styles.PLAIN
    elif stacks:
        yield f"{len(stacks)} stacks", styles.BOLD
    watchers, processes = sum(len(each.watchers) for each in stacks), sum(each.processes for each in stacks)
    if stacks:
        yield f"  {words.plural(watchers, 'watcher')}, {words.plural(processes, 'process', 'es')}", styles.PLAIN
    if waits_for:
        yield f"  waiting for {waits_for} to answer", styles.WARNING
