"""The columns, one declaration each: the screen, `--once`, `--csv`, `--sort` and the keys read them here. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from circus_stack.top import words
from circus_stack.top.rows import ProcessRow, WatcherRow

Row = WatcherRow | ProcessRow


@dataclass(frozen=True, slots=True)
class Column:
    """`name` is its word for `--sort` and CSV, `key` what sorts by it on the screen. `value` is None where a row has
    none; `text` makes it readable. Where the terminal is narrow, the columns of the highest `rank` are left out."""

    name: str
    title: str
    width: int
    value: Callable[[Row], Any]
    text: Callable[[Any], str]
    key: str
    help: str
    rank: int = 0
    is_number: bool = True


def _figure(name: str) -> Callable[[Row], Any]:
    return lambda row: getattr(row.figures, name)


def _restarts(row: Row) -> int | None:
    return row.restarts if isinstance(row, WatcherRow) else None


def _name(row: Row) -> str:
    return row.name if isinstance(row, WatcherRow) else f"{row.wid:08d} {row.pid:08d}"


def _word(value: Any) -> str:
    return str(value)


NAME = Column("name", "WATCHER", 22, _name, _word, "n", "name of the watcher, slot of the process", is_number=False)

COLUMNS = (
    Column("state", "STATE", 8, lambda row: row.state, _word, "s", "state", is_number=False),
    Column("cpu", "CPU%", 6, _figure("cpu"), words.percent, "c", "percent of one core, descendants included"),
    Column("rss", "RSS", 5, _figure("rss"), words.size, "m", "resident memory, what is shared counted in full"),
    Column("pss", "PSS", 5, _figure("pss"), words.size, "u", "memory, what is shared counted by its part", 2),
    Column("rps", "RPS", 5, _figure("rps"), words.rate, "r", "requests a second", 1),
    Column("p99", "P99", 5, _figure("p99"), words.latency, "p", "time that 99 of 100 requests did not exceed", 1),
    Column("busy", "BUSY", 4, _figure("busy"), words.count, "b", "workers that have a request under way", 1),
    Column("threads", "THR", 4, _figure("threads"), words.count, "t", "threads", 4),
    Column(
        "restarts", "RST", 4, _restarts, words.count, "x", "processes that ended though nobody had asked them to", 2
    ),
    Column("age", "AGE", 6, lambda row: row.age, words.age, "a", "time since the start"),
)
ALL = (NAME, *COLUMNS)
BY_NAME = {each.name: each for each in ALL}


def fitting(width: int, columns: Sequence[Column] = COLUMNS) -> tuple[Column, ...]:
    """The columns that fit into so many characters, a blank before each; the least important are left out first."""
    kept = list(columns)
    while kept and sum(each.width + 1 for each in kept) > width:
        highest = max(each.rank for each in kept)
        last = max(index for index, each in enumerate(kept) if each.rank == highest)
        del kept[last]
    return tuple(kept)


def sort_value(row: Row, column: Column) -> tuple[bool, Any]:
    """What rows are ordered by: whoever has no value stands last, whichever way the order goes."""
    value = column.value(row)
    return (value is not None, value if value is not None else 0)
