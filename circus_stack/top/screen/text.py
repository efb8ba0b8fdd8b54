"""Lines out of pieces of text with a style each, cut or filled to a width in cells."""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from circus_stack.top.screen.styles import PLAIN

Piece = tuple[str, Style]


def strip_of(pieces: Iterable[Piece], width: int, ground: Style = PLAIN) -> Strip:
    """A line of exactly `width` cells; `ground` is what every piece stands on."""
    segments: list[Segment] = []
    text, style = "", PLAIN
    for piece, its_style in pieces:
        if its_style is style or not text:
            # Of what looks the same one segment is made: each costs several lists on its way to the terminal.
            text, style = text + piece, its_style
        else:
            segments.append(Segment(text, ground + style if ground else style))
            text, style = piece, its_style
    segments.append(Segment(text, ground + style if ground else style))
    return Strip(segments).adjust_cell_length(width, ground)


def padded(text: str, width: int, *, is_number: bool = False) -> str:
    """Text in exactly `width` cells: numbers to the right, what is too long cut with a mark."""
    length = cell_len(text)
    if length == width:
        return text
    if length > width:
        return set_cell_size(text, width - 1) + "~" if width > 0 else ""
    space = " " * (width - length)
    return space + text if is_number else text + space
