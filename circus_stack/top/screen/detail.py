"""The pane below: graphs of the chosen line on the left, what it writes on the right."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from circus_stack.client.loglines import LogRecord
from circus_stack.client.stats.records import NO_FIGURES
from circus_stack.top import words
from circus_stack.top.facts import facts_of, wrapped
from circus_stack.top.graph import graph, squeezed
from circus_stack.top.lines import Line
from circus_stack.top.log_tail import LogTail
from circus_stack.top.printable import printable
from circus_stack.top.screen import styles
from circus_stack.top.screen.text import Piece, padded, strip_of
from circus_stack.top.series import SPAN, Memory, Series

# (field, its title, its text, what the full height is at least)
_GRAPHS = (
    ("cpu", "CPU %", words.percent, 10.0),
    ("rss", "RSS", words.size, 0.0),
    ("rps", "requests/s", words.rate, 1.0),
    ("p99", "p99", words.latency, 0.0),
)
_LEAST_GRAPH, _MOST_GRAPH = 24, 70
# Two lines of a graph and its title.
_LEAST_HEIGHT = 3


class Detail(Widget):
    """Hidden until something is chosen to be looked at closely."""

    DEFAULT_CSS = "Detail { height: 45%; min-height: 8; display: none; }"

    def __init__(self, memory: Memory) -> None:
        super().__init__()
        self._memory = memory
        self._line: Line | None = None
        self._tail: LogTail | None = None
        self._block: list[Strip] | None = None

    def show(self, line: Line | None, tail: LogTail | None) -> None:
        """Take over the line and its log."""
        self._line, self._tail, self._block = line, tail, None
        self.refresh()

    def on_resize(self) -> None:
        """Another size: everything is drawn anew."""
        self._block = None

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        if self._block is None:
            self._block = self._draw()
        return self._block[y] if y < len(self._block) else Strip.blank(self.size.width)

    def _draw(self) -> list[Strip]:
        """All lines at once: graphs and log are each made as a block."""
        width, height = self.size
        left = max(_LEAST_GRAPH, min(_MOST_GRAPH, int(width * 0.4)))
        graphs, log = self._left(left - 1, height - 1), self._log(height - 1)
        strips = [strip_of([(f" {_title(self._line)}", styles.PLAIN)], width, styles.TITLE)]
        for pieces, (text, style) in zip(graphs, log, strict=True):
            filled = strip_of(pieces, left - 1)
            strips.append(Strip.join([filled, strip_of([("│ ", styles.DIM), (text, style)], width - left + 1)]))
        return strips

    def _left(self, width: int, height: int) -> list[list[Piece]]:
        """Facts in words, where they leave room for graphs; then those."""
        row = self._line.row if self._line is not None else None
        stack = self._line.stack if self._line is not None else None
        figures = row.figures if row is not None else stack.figures if stack is not None else NO_FIGURES
        facts = wrapped(facts_of(figures), width)[: max(0, height - 2 * _LEAST_HEIGHT)]
        return [*([(each, styles.PLAIN)] for each in facts), *self._graphs(width, height - len(facts))]

    def _graphs(self, width: int, height: int) -> list[list[Piece]]:
        series = self._memory.of(self._line.key) if self._line is not None else Series()
        values = {field: series.last(field, SPAN) for field, *_ in _GRAPHS}
        shown = [each for each in _GRAPHS if any(value is not None for value in values[each[0]])]
        shown = shown[: max(1, height // _LEAST_HEIGHT)]
        lines: list[list[Piece]] = []
        for index, (field, title, text, top) in enumerate(shown):
            own = (height - len(lines)) // (len(shown) - index)
            known = [value for value in values[field] if value is not None]
            caption = f"{title} {text(known[-1])}"
            limits = f"most {text(max(known))} of {words.age(len(values[field]))}"
            lines.append([(padded(caption, width - len(limits)), styles.BOLD), (limits, styles.DIM)])
            drawn = graph(squeezed(values[field], width), width, own - 1, top=top)
            lines += [[(each, styles.GRAPH)] for each in drawn]
        if not shown:
            lines.append([("no figures yet", styles.DIM)])
        return (lines + [[] for _ in range(height)])[:height]

    def _log(self, height: int) -> Sequence[Piece]:
        tail = self._tail
        if tail is None:
            return [("no log of a whole stack: choose a watcher", styles.DIM), *[("", styles.PLAIN)] * (height - 1)]
        lines = [_log_line(each) for each in list(tail.lines)[-height:]] if height > 0 else []
        if not lines:
            lines = [(printable(tail.trouble) or "nothing was written yet", styles.DIM)]
        return [*lines, *[("", styles.PLAIN)] * height][:height]


def _title(line: Line | None) -> str:
    if line is None:
        return ""
    if line.process is not None and line.watcher is not None:
        process = line.process
        who = f"process {process.pid} of {line.watcher.name}"
        return printable(f"{who}  {process.state}  {process.user}  {process.command}")
    if line.watcher is not None:
        watcher = line.watcher
        scaled = f"  {watcher.wanted} of {watcher.scaled}" if watcher.scaled else ""
        return printable(f"watcher {watcher.name}  {watcher.state}{scaled}  {watcher.detail}")
    return printable(f"stack {line.stack.name}  {line.stack.source}")


def _log_line(record: LogRecord) -> tuple[str, Style]:
    clock = time.strftime("%H:%M:%S", time.localtime(record.time))
    style = styles.WARNING if record.stream == "stderr" else styles.PLAIN
    return f"{clock} {printable(record.text)}", style
