"""`--once`: the tree as lines of text, for a person's eye and for grep. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from circus_stack.top import words
from circus_stack.top.columns import COLUMNS, NAME, Column
from circus_stack.top.lines import Line, View, lines_of
from circus_stack.top.printable import printable
from circus_stack.top.rows import SocketRow, StackRow

_INDENT = "  "


def render(stacks: Sequence[StackRow], view: View) -> str:
    """All of it, without a last newline."""
    parts = []
    for stack in stacks:
        lines = lines_of([stack], view)
        parts.append("\n".join([heading(stack), *_table(lines), *_sockets(stack.sockets)]))
    return "\n\n".join(parts)


def heading(stack: StackRow) -> str:
    """Who it is and what it uses in all: one line; a second one if something is wrong."""
    figures = stack.figures
    known = [
        ("cpu", words.percent(figures.cpu), "%"),
        ("rss", words.size(figures.rss), ""),
        ("rps", words.rate(figures.rps), ""),
        ("p99", words.latency(figures.p99), ""),
        ("busy", words.count(figures.busy), ""),
    ]
    age = words.age(None if stack.started is None else max(0.0, stack.time - stack.started))
    parts = [stack.name, f"pid {stack.pid}" if stack.pid else "", f"up {age}" if age else ""]
    parts += [
        words.plural(stack.processes, "process", "es"),
        *(f"{name} {text}{unit}" for name, text, unit in known if text),
    ]
    line = printable("  ".join(filter(None, parts)))
    return f"{line}\n{printable(stack.trouble)}" if stack.trouble else line


def label(line: Line) -> str:
    """What stands first in a line: the watcher with its processes, or a process with its slot."""
    if line.process is not None:
        slot = f" #{line.process.wid}" if line.process.wid else ""
        return f"{_INDENT * line.depth}{line.process.pid}{slot}"
    if line.watcher is None:
        return line.stack.name
    watcher = line.watcher
    wanted = "" if watcher.wanted is None else f" {watcher.ready}/{watcher.wanted}"
    return f"{_INDENT * line.depth}{watcher.name}{wanted}"


def cell(line: Line, column: Column) -> str:
    """The text of a column; empty for the line of a stack."""
    value = None if line.row is None else column.value(line.row)
    return "" if value is None else column.text(value)


def _table(lines: Iterable[Line]) -> Iterable[str]:
    rows = [(label(line), [cell(line, column) for column in COLUMNS], line) for line in lines]
    width = max([NAME.width, *(len(name) for name, _, _ in rows)])
    yield _joined(NAME.title.ljust(width), [column.title for column in COLUMNS])
    for name, cells, line in rows:
        tail = line.process.command if line.process is not None else line.watcher.detail if line.watcher else ""
        yield printable(f"{_joined(name.ljust(width), cells)}  {tail}".rstrip())


def _joined(name: str, cells: Sequence[str]) -> str:
    padded = (
        text.rjust(column.width) if column.is_number else text.ljust(column.width)
        for text, column in zip(cells, COLUMNS, strict=True)
    )
    return " ".join([name, *padded])


def _sockets(sockets: Sequence[SocketRow]) -> Iterable[str]:
    for socket in sockets:
        yield printable(f"socket {socket.name}  {socket.address}  {queue(socket)}".rstrip())


def queue(socket: SocketRow) -> str:
    """`queue 3/2048  12/s  4 dropped`; what nobody knows is left out."""
    known = []
    if socket.queued is not None:
        known.append(f"queue {socket.queued}" + ("" if socket.limit is None else f"/{socket.limit}"))
    if socket.accepted_per_s is not None:
        known.append(f"{words.rate(socket.accepted_per_s)}/s")
    if socket.dropped:
        known.append(f"{socket.dropped} dropped")
    return "  ".join(known)
