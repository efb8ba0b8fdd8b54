"""The page of help: every key, over everything else."""

from __future__ import annotations

from textual.strip import Strip
from textual.widget import Widget

from circus_stack.top.keys import help_lines
from circus_stack.top.screen import styles
from circus_stack.top.screen.text import Piece, padded, strip_of

_KEY_WIDTH = 11


class Help(Widget):
    """Hidden until it is asked for; any key hides it."""

    DEFAULT_CSS = "Help { height: 1fr; display: none; }"

    def __init__(self, *, has_control: bool) -> None:
        super().__init__()
        self._lines = help_lines(has_control=has_control)

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        if y == 0:
            return strip_of(
                [(" Keys, those of columns sort by them (any key goes back)", styles.PLAIN)],
                self.size.width,
                styles.TITLE,
            )
        width, height = self.size.width, self.size.height - 1
        columns = max(1, min(-(-len(self._lines) // max(1, height)), width // 38))
        each = width // columns
        pieces: list[Piece] = []
        for number in range(columns):
            index = number * height + y - 1
            if index < len(self._lines):
                key, text = self._lines[index]
                pieces += [(f" {padded(key, _KEY_WIDTH)}", styles.BOLD)]
                pieces += [(padded(text, each - _KEY_WIDTH - 1), styles.PLAIN)]
        return strip_of(pieces, width)
