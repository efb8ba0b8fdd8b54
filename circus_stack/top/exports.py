"""`--json` and `--csv`: the rows for programs. Plain numbers, bytes and seconds; nothing is rounded. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from circus_stack.protocol.codec import encode
from circus_stack.top.columns import COLUMNS
from circus_stack.top.lines import View, lines_of
from circus_stack.top.rows import StackRow

_HEAD = ("stack", "watcher", "pid", "wid")


def as_json(stacks: Sequence[StackRow]) -> str:
    """One object: `stacks`, a list of rows as `top.rows` declares them."""
    return encode({"stacks": [asdict(stack) for stack in stacks]}).decode()


def as_csv(stacks: Sequence[StackRow], view: View) -> str:
    """A heading, then a line for each watcher and each process; the `pid` of a watcher's line is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*_HEAD, *(column.name for column in COLUMNS), "command"])
    writer.writerows(_lines(stacks, view))
    return text.getvalue().rstrip("\n")


def _lines(stacks: Sequence[StackRow], view: View) -> Iterator[list[Any]]:
    for line in (line for stack in stacks for line in lines_of([stack], view)):
        if line.row is None or line.watcher is None:
            continue
        process = line.process
        who = [line.stack.name, line.watcher.name, process.pid if process else None, process.wid if process else None]
        yield [*who, *(column.value(line.row) for column in COLUMNS), process.command if process else ""]
