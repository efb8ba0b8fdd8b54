"""The tree of watchers and processes: draws only the lines in sight, so that thousands cost little."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from rich.cells import cell_len
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from circus_stack.top import plain
from circus_stack.top.columns import NAME, Column, fitting
from circus_stack.top.graph import sparkline
from circus_stack.top.lines import Key, Line, View
from circus_stack.top.printable import printable
from circus_stack.top.rows import ProcessRow
from circus_stack.top.screen import styles
from circus_stack.top.screen.text import Piece, padded, strip_of
from circus_stack.top.series import Memory

_LEAST_NAME, _MOST_NAME = 18, 40
# A sparkline that is shorter tells nothing; a longer one leaves room for command lines.
_LEAST_SPARK, _MOST_SPARK = 8, 30
_SCROLL_BAR = 1
# Enough names to know how long they are.
_LOOKED_AT = 200


class _Plan(NamedTuple):
    """How a line is divided: cells of the name, the columns, cells of the sparkline (0: none)."""

    name: int
    columns: Sequence[Column]
    spark: int


class Tree(ScrollView):
    """Shows `lines`; the line under the cursor is known by its key, so that it stays chosen while lines move."""

    DEFAULT_CSS = "Tree { height: 1fr; scrollbar-size: 1 1; overflow-x: hidden; }"
    can_focus = False

    def __init__(
        self,
        memory: Memory,
        on_choice: Callable[[], None],
        on_sort: Callable[[Column], None],
        on_open: Callable[[], None],
    ) -> None:
        super().__init__()
        self._memory = memory
        self._on_choice, self._on_sort, self._on_open = on_choice, on_sort, on_open
        self._lines: Sequence[Line] = ()
        self._view = View()
        self._at = 0
        self._plan = _Plan(0, (), 0)

    def show(self, lines: Sequence[Line], view: View) -> None:
        """Take over new lines; the chosen one stays chosen if it is still there."""
        chosen = self.chosen
        self._lines, self._view = lines, view
        places = {line.key: index for index, line in enumerate(lines)}
        self._at = places.get(chosen.key, self._at) if chosen else self._at
        self._at = max(0, min(self._at, len(lines) - 1))
        self.virtual_size = Size(self.size.width, len(lines) + 1)
        self._plan = self._planned()
        self.refresh()

    @property
    def chosen(self) -> Line | None:
        """The line under the cursor."""
        return self._lines[self._at] if 0 <= self._at < len(self._lines) else None

    def move(self, by: int) -> None:
        """Move the cursor; it stops at both ends."""
        self.move_to(self._at + by)

    def move_to(self, index: int) -> None:
        """Choose a line by its number; beyond the ends it is the first or the last."""
        self._at = max(0, min(index, len(self._lines) - 1))
        self._keep_in_sight()
        self.refresh()
        self._on_choice()

    def move_to_last(self) -> None:
        """Choose the last line."""
        self.move_to(len(self._lines) - 1)

    def choose(self, key: Key) -> None:
        """Choose the line with a key, where there is one."""
        for index, line in enumerate(self._lines):
            if line.key == key:
                self.move_to(index)

    @property
    def page(self) -> int:
        """Lines in sight."""
        return max(1, self.size.height - 1)

    def _keep_in_sight(self) -> None:
        top = int(self.scroll_offset.y)
        if self._at < top:
            self.scroll_to(y=self._at, animate=False, immediate=True)
        elif self._at >= top + self.page:
            self.scroll_to(y=self._at - self.page + 1, animate=False, immediate=True)

    def on_resize(self) -> None:
        """Another size: the line that is chosen stays in sight."""
        self._plan = self._planned()
        self._keep_in_sight()

    def on_click(self, event: events.Click) -> None:
        """On a heading: sort by it. On a line: choose it; once more: open or close it."""
        if event.y == 0:
            column = self._column_at(event.x)
            if column is not None:
                self._on_sort(column)
            return
        index = int(self.scroll_offset.y) + event.y - 1
        if index >= len(self._lines):
            return
        if index == self._at:
            self._on_open()
        else:
            self.move_to(index)

    def _column_at(self, x: int) -> Column | None:
        at = self._plan.name
        if x < at:
            return NAME
        for column in self._plan.columns:
            at += column.width + 1
            if x < at:
                return column
        return None

    def _planned(self) -> _Plan:
        width = self.size.width - _SCROLL_BAR
        columns = fitting(width - _LEAST_NAME)
        rest = width - sum(column.width + 1 for column in columns)
        longest = max((cell_len(plain.label(line)) + 2 for line in self._lines[:_LOOKED_AT]), default=0)
        name = min(_MOST_NAME, rest, max(_LEAST_NAME, longest))
        spark = rest - name - 1
        if spark < _LEAST_SPARK:
            return _Plan(min(_MOST_NAME, rest), columns, 0)
        return _Plan(name, columns, min(_MOST_SPARK, spark))

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        if y == 0:
            return self._heading()
        index = int(self.scroll_offset.y) + y - 1
        if index >= len(self._lines):
            return Strip.blank(self.size.width)
        return self._line(self._lines[index], index == self._at)

    def _heading(self) -> Strip:
        name_width, columns, spark = self._plan
        pieces: list[Piece] = [(padded(self._title(NAME), name_width), styles.PLAIN)]
        for column in columns:
            pieces.append((" " + padded(self._title(column), column.width, is_number=column.is_number), styles.PLAIN))
        pieces.append((" CPU" if spark else "", styles.PLAIN))
        return strip_of(pieces, self.size.width, styles.TITLE)

    def _title(self, column: Column) -> str:
        if self._view.sort is not column:
            return column.title
        mark = "^" if self._view.is_ascending else "v"
        return f"{column.title[: column.width - 1]}{mark}"

    def _line(self, line: Line, is_chosen: bool) -> Strip:
        name_width, columns, spark = self._plan
        ground = styles.SELECTED if is_chosen else styles.PLAIN
        pieces: list[Piece] = [(padded(_name(line), name_width), styles.BOLD if line.process is None else styles.PLAIN)]
        for column in columns:
            text = " " + padded(printable(plain.cell(line, column)), column.width, is_number=column.is_number)
            pieces.append((text, _style(line, column)))
        if spark:
            top = 100.0 if line.process is not None else 10.0
            values = self._memory.of(line.key).last("cpu", spark)
            pieces.append((" " + sparkline(values, spark, top=top), styles.GRAPH))
        pieces.append((f"  {_tail(line)}", styles.DIM))
        if is_chosen:
            # Colours on a reversed ground are hard to read, and a picture of blocks would be its own negative.
            pieces = [("".join(text for text, _ in pieces), styles.PLAIN)]
        return strip_of(pieces, self.size.width, ground)


def _name(line: Line) -> str:
    text = printable(plain.label(line))
    if line.process is not None:
        return f"  {text}"
    blank = len(text) - len(text.lstrip())
    mark = "▾ " if line.is_open else "▸ " if line.watcher is None or line.watcher.processes else "  "
    return text[:blank] + mark + text[blank:]


def _tail(line: Line) -> str:
    if line.process is not None:
        return printable(line.process.command)
    if line.watcher is not None:
        return printable(line.watcher.detail)
    return printable(line.stack.trouble or line.stack.source)


def _style(line: Line, column: Column) -> Style:
    row = line.row
    if row is None:
        return styles.PLAIN
    if column.name == "state":
        return styles.of_state(row.state)
    if column.name == "cpu" and isinstance(row, ProcessRow):
        return styles.of_cpu(row.figures.cpu)
    if column.name == "restarts" and column.value(row):
        return styles.WARNING
    return styles.PLAIN
