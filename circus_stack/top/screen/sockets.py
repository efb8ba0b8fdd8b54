"""The listening sockets, a line each: how many connections wait in their queues."""

from __future__ import annotations

from collections.abc import Sequence

from textual.strip import Strip
from textual.widget import Widget

from circus_stack.top import words
from circus_stack.top.printable import printable
from circus_stack.top.rows import SocketRow, StackRow
from circus_stack.top.screen import styles
from circus_stack.top.screen.text import Piece, padded, strip_of

# More than these are counted, not shown: the tree needs the room.
_MOST = 4
_WIDTHS = (24, 30, 12, 8, 8)


class Sockets(Widget):
    """A heading and a line a socket; nothing at all where there are none."""

    DEFAULT_CSS = "Sockets { height: 0; }"

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[tuple[str, SocketRow]] = []
        self._hidden = 0

    def show(self, stacks: Sequence[StackRow]) -> None:
        """Take over a look."""
        rows = [(stack.name if len(stacks) > 1 else "", each) for stack in stacks for each in stack.sockets]
        # Those that have something to tell first.
        rows.sort(key=lambda row: -(row[1].queued or 0))
        self._rows, self._hidden = rows[:_MOST], max(0, len(rows) - _MOST)
        height = len(self._rows) + 1 if self._rows else 0
        if self.styles.height is None or self.styles.height.value != height:
            self.styles.height = height
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        if y == 0:
            title = "SOCKET" + (f" (and {self._hidden} more)" if self._hidden else "")
            return self._line([title, "ADDRESS", "QUEUE", "ACCEPT/S", "DROPPED"], None)
        if y > len(self._rows):
            return Strip.blank(self.size.width)
        stack, row = self._rows[y - 1]
        queue = words.count(row.queued) + (f"/{row.limit}" if row.limit is not None and row.queued is not None else "")
        name = printable(f"{stack}:{row.name}" if stack else row.name)
        cells = [name, printable(row.address), queue, words.rate(row.accepted_per_s), words.count(row.dropped)]
        return self._line(cells, row)

    def _line(self, cells: Sequence[str], row: SocketRow | None) -> Strip:
        scale = 1 if self.size.width >= 86 else 0.75
        pieces: list[Piece] = []
        for index, (text, width) in enumerate(zip(cells, _WIDTHS, strict=True)):
            is_number = index > 1
            cells_wide = width if is_number else int(width * scale)
            style = styles.of_queue(row.queued, row.limit) if row is not None and index == 2 else styles.PLAIN
            pieces.append((padded(text, cells_wide, is_number=is_number) + " ", style))
        return strip_of(pieces, self.size.width, styles.TITLE if row is None else styles.PLAIN)
