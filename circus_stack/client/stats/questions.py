"""What circusd-stats can be asked, and what its replies mean: for blocking and asyncio clients alike. Sends nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from msgspec import Struct

from circus_stack.client.stats.reading import Fields, history_of, page_of, series_of, snapshot_of
from circus_stack.client.stats.records import History, Snapshot

Answer = TypeVar("Answer")


class Question(Struct, Generic[Answer], frozen=True):
    """A command with its properties; `read` makes the answer of its reply, and raises CallError for what is none."""

    command: str
    properties: dict[str, Any]
    read: Callable[[Fields], Answer]


SNAPSHOT: Question[Snapshot] = Question("snapshot", {}, snapshot_of)
SERIES: Question[tuple[str, ...]] = Question("series", {}, series_of)


def about_history(watcher: str, pid: int | None, since_s: float) -> Question[History]:
    """The last `since_s` seconds of a watcher, of the stack without a name, or of one process of a watcher."""
    properties = {"name": watcher, "since": since_s} | ({} if pid is None else {"pid": pid})
    return Question("history", properties, history_of)


def about_metrics(accept: str) -> Question[tuple[str, str]]:
    """The page of metrics in the form that `accept` (of HTTP) names, and its Content-Type."""
    return Question("metrics", {"accept": accept}, page_of)
