"""Which lines stand on the screen, in which order: stacks, watchers and processes as a tree. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from circus_stack.top.columns import NAME, Column, Row, sort_value
from circus_stack.top.rows import ProcessRow, StackRow, WatcherRow

R = TypeVar("R", bound=Row)

Key = tuple[str, str, int]
"""A line's identity over ticks: the stack, the watcher ("" for the stack's own line), the pid (0 for none)."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the tree. `row` is None for that of a stack."""

    key: Key
    stack: StackRow
    watcher: WatcherRow | None = None
    process: ProcessRow | None = None
    depth: int = 0
    is_open: bool = False

    @property
    def row(self) -> Row | None:
        """What its columns tell of."""
        return self.process or self.watcher


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How somebody looks at it. `sort` None is the order of the file. `closed` are watchers whose processes are not
    shown; `wanted` is a part of a name, a pid or a state."""

    sort: Column | None = None
    is_ascending: bool = False
    wanted: str = ""
    closed: frozenset[Key] = frozenset()

    def sorted_by(self, column: Column) -> View:
        """Sorted by a column, the highest first (names from A on); by the same one again, the other way round."""
        if self.sort is column:
            return replace(self, is_ascending=not self.is_ascending)
        return replace(self, sort=column, is_ascending=not column.is_number)

    def toggled(self, key: Key) -> View:
        """With the processes of a watcher shown, or not."""
        return replace(self, closed=self.closed ^ {key})


def lines_of(stacks: Sequence[StackRow], view: View) -> list[Line]:
    """All lines. A stack has one of its own only where there are several."""
    lines: list[Line] = []
    depth = int(len(stacks) > 1)
    for stack in stacks:
        below = list(_below(stack, view, depth))
        if depth and (below or not view.wanted):
            lines.append(Line((stack.name, "", 0), stack, is_open=True))
        lines += below
    return lines


def _below(stack: StackRow, view: View, depth: int) -> Iterable[Line]:
    for watcher in _ordered(stack.watchers, view):
        processes = _matching(watcher, view.wanted)
        if processes is None:
            continue
        key = (stack.name, watcher.name, 0)
        is_open = bool(watcher.processes) and key not in view.closed
        yield Line(key, stack, watcher, None, depth, is_open)
        for process in _ordered(processes, view) if is_open else ():
            yield Line((stack.name, watcher.name, process.pid), stack, watcher, process, depth + 1)


def _matching(watcher: WatcherRow, wanted: str) -> tuple[ProcessRow, ...] | None:
    """The processes to be shown: all of a watcher that matches itself, else those that match; None for none at all."""
    word = wanted.lower()
    if word in watcher.name.lower() or word == watcher.state:
        return watcher.processes
    found = tuple(
        each for each in watcher.processes if word in (str(each.pid), each.state) or word in each.command.lower()
    )
    return found or None


def _ordered(rows: Sequence[R], view: View) -> Sequence[R]:
    if view.sort is None:
        return rows
    column = view.sort
    if column is NAME or not column.is_number:
        return sorted(rows, key=lambda row: str(column.value(row)).lower(), reverse=not view.is_ascending)
    known = [row for row in rows if column.value(row) is not None]
    known.sort(key=lambda row: sort_value(row, column), reverse=not view.is_ascending)
    return [*known, *(row for row in rows if column.value(row) is None)]
