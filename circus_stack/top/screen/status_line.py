"""The last line: hints of keys, or a question, a text that is being typed, a word on what was done."""

from __future__ import annotations

from textual.strip import Strip
from textual.widget import Widget

from circus_stack.top.actions import ACTIONS
from circus_stack.top.keys import KEYS
from circus_stack.top.printable import printable
from circus_stack.top.screen import styles
from circus_stack.top.screen.text import Piece, strip_of


class StatusLine(Widget):
    """One line; the last thing that was set is shown."""

    DEFAULT_CSS = "StatusLine { height: 1; dock: bottom; }"

    def __init__(self, *, has_control: bool) -> None:
        super().__init__()
        self._hints = _hints(has_control=has_control)
        self._pieces: list[Piece] = self._hints

    def hint(self, wanted: str = "") -> None:
        """The keys; `wanted` is the filter in force."""
        filtered: list[Piece] = [(f" only {wanted!r} (Esc: all) ", styles.WARNING)] if wanted else []
        self._set([*filtered, *self._hints])

    def ask(self, question: str) -> None:
        """Something to be confirmed."""
        self._set([(f" {printable(question)} y/N ", styles.QUESTION)])

    def type(self, text: str) -> None:
        """A filter that is being typed."""
        self._set([(" show only: ", styles.BOLD), (printable(text), styles.PLAIN), (" ", styles.SELECTED)])

    def say(self, text: str, *, is_bad: bool = False) -> None:
        """What was done, or why not."""
        self._set([(f" {printable(text)}", styles.BAD if is_bad else styles.GOOD)])

    def _set(self, pieces: list[Piece]) -> None:
        self._pieces = pieces
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """The line."""
        del y
        return strip_of(self._pieces, self.size.width)


def _hints(*, has_control: bool) -> list[Piece]:
    pieces: list[Piece] = []
    for key, word in [(each.shown, each.hint) for each in KEYS if each.hint]:
        pieces += [(f" {key}", styles.BOLD), (f" {word} ", styles.PLAIN)]
    if has_control:
        pieces.append((" |", styles.DIM))
        for action in ACTIONS:
            pieces += [(f" {action.key}", styles.BOLD), (f" {action.command}", styles.PLAIN)]
    return pieces
