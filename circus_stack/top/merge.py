"""From what an arbiter and circusd-stats answer to rows: `status`, `listsockets` and a snapshot. Pure.

What a reply lacks, since it is of another version or of Circus, is None in the row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from circus_stack.client.stats.reading import count, number, socket_of
from circus_stack.client.stats.records import NO_FIGURES, ProcessStats, Snapshot, SocketStats, WatcherStats
from circus_stack.top.rows import ProcessRow, SocketRow, WatcherRow

Fields = Mapping[str, Any]
_NOTHING: Fields = {}

# Run by the arbiter for itself; its own figures are no watcher's.
_OWN = ("circusd-stats",)


def watchers_of(status: Fields, snapshot: Snapshot | None, now: float) -> tuple[WatcherRow, ...]:
    """The watchers in the arbiter's order, that of the file. There is no `snapshot` where nobody samples."""
    statuses: Fields = status.get("statuses", _NOTHING)
    told: Fields = status.get("watchers", _NOTHING)
    details: Fields = status.get("details", _NOTHING)
    sampled = snapshot.watchers if snapshot is not None else {}
    known = snapshot.processes if snapshot is not None else {}
    return tuple(
        _watcher(name, str(state), str(details.get(name, "")), told.get(name, _NOTHING), sampled.get(name), known, now)
        for name, state in statuses.items()
        if name not in _OWN
    )


def _watcher(
    name: str,
    state: str,
    detail: str,
    told: Fields,
    sampled: WatcherStats | None,
    known: Mapping[int, ProcessStats],
    now: float,
) -> WatcherRow:
    processes = tuple(_process(each, known.get(int(each["pid"])), now) for each in told.get("processes", ()))
    return WatcherRow(
        name=name,
        state=state,
        detail=detail,
        wanted=count(told.get("wanted")),
        scaled=_range(told.get("range")),
        restarts=sampled.restarts if sampled is not None else None,
        age=max((each.age for each in processes if each.age is not None), default=None),
        figures=sampled.figures if sampled is not None else NO_FIGURES,
        processes=processes,
    )


def _range(told: Any) -> str:
    return f"{told.get('least')}..{told.get('most')}" if isinstance(told, Mapping) else ""


def _process(told: Fields, sampled: ProcessStats | None, now: float) -> ProcessRow:
    started = number(told.get("started"))
    age = None if started is None else max(0.0, now - started)
    wid, state = count(told.get("wid")) or 0, str(told.get("state", ""))
    if sampled is None:
        return ProcessRow(pid=int(told["pid"]), wid=wid, state=state, age=age)
    return ProcessRow(
        pid=sampled.pid,
        wid=wid,
        state=state,
        age=sampled.age if age is None else age,
        command=sampled.command,
        user=sampled.user,
        figures=sampled.figures,
    )


def sockets_of(listed: Iterable[Fields], snapshot: Snapshot | None) -> tuple[SocketRow, ...]:
    """The arbiter's sockets, with the depth of their queues where circusd-stats tells it."""
    sampled = {each.name: each for each in snapshot.sockets} if snapshot is not None else {}
    return tuple(socket_row(socket_of(each), sampled.get(str(each.get("name", "")))) for each in listed)


def socket_row(listed: SocketStats, sampled: SocketStats | None = None) -> SocketRow:
    """The row of a socket; what is sampled stands before what is listed."""
    known = sampled or listed
    return SocketRow(
        name=listed.name,
        address=listed.address,
        queued=known.queued,
        limit=known.limit if known.limit is not None else listed.limit,
        dropped=known.dropped,
        accepted_per_s=known.accepted_per_s,
    )
