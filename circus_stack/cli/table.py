"""Rows of text as a table with aligned columns. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from circus_stack.cli.style import DIM, Style

# What a column keeps, however narrow the terminal is.
_LEAST = 8
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Column(Struct, frozen=True):
    """A column's title; numbers stand to the right."""

    title: str
    is_number: bool = False


def render_table(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], style: Style, *, width: int | None = None
) -> str:
    """A heading and the rows, without a last newline. Cells may hold colours; they count as nothing.

    With `width` no line is longer: the last column, which must be plain text then, is cut.
    """
    widths = [max([len(column.title), *(_width(row[index]) for row in rows)]) for index, column in enumerate(columns)]
    if width is not None:
        last = len(columns) - 1
        room = max(_LEAST, width - sum(widths[:last]) - 2 * last)
        rows = [[*row[:last], _cut(row[last], room)] for row in rows]
    heading = style.paint(_line(columns, widths, [column.title for column in columns]), DIM)
    return "\n".join([heading, *(_line(columns, widths, row) for row in rows)])


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "~"


def _line(columns: Sequence[Column], widths: Sequence[int], cells: Sequence[str]) -> str:
    return "  ".join(
        _pad(cell, width, column.is_number) for column, width, cell in zip(columns, widths, cells, strict=True)
    ).rstrip()


def _pad(cell: str, width: int, is_number: bool) -> str:
    space = " " * (width - _width(cell))
    return space + cell if is_number else cell + space


def _width(cell: str) -> int:
    return len(_COLOUR.sub("", cell))
