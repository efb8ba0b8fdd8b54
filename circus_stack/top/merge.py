"""From what an arbiter and circusd-stats answer to rows: `status`, `listsockets` and `snapshot`. Pure.

What a reply lacks, since it is of another version or of Circus, is None in the row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from circus_stack.top.rows import NO_FIGURES, Figures, ProcessRow, SocketRow, WatcherRow

Fields = Mapping[str, Any]
_NOTHING: Fields = {}

# Run by the arbiter for itself; its own figures are no watcher's.
_OWN = ("circusd-stats",)


def figures_of(fields: Fields) -> Figures:
    """The figures in one process' fields, or in a sum's."""
    cpu = fields.get("cpu_sum", fields.get("cpu"))
    return Figures(
        cpu=_number(cpu),
        rss=_count(fields.get("rss")),
        pss=_count(fields.get("pss")),
        vms=_count(fields.get("vms")),
        threads=_count(fields.get("threads")),
        rps=_number(fields.get("rps")),
        busy=_count(fields.get("busy")),
        p50=_number(fields.get("p50")),
        p95=_number(fields.get("p95")),
        p99=_number(fields.get("p99")),
    )


def _number(value: Any) -> float | None:
    # JSON has no other kinds; true and false are none.
    return float(value) if type(value) in (int, float) else None


def _count(value: Any) -> int | None:
    return int(value) if type(value) in (int, float) else None


def watchers_of(status: Fields, snapshot: Fields, now: float) -> tuple[WatcherRow, ...]:
    """The watchers in the arbiter's order, that of the file. `snapshot` is empty where nobody samples."""
    statuses: Fields = status.get("statuses", _NOTHING)
    told: Fields = status.get("watchers", _NOTHING)
    details: Fields = status.get("details", _NOTHING)
    sampled: Fields = snapshot.get("watchers", _NOTHING)
    return tuple(
        _watcher(
            name, str(state), str(details.get(name, "")), told.get(name, _NOTHING), sampled.get(name, _NOTHING), now
        )
        for name, state in statuses.items()
        if name not in _OWN
    )


def _watcher(name: str, state: str, detail: str, told: Fields, sampled: Fields, now: float) -> WatcherRow:
    pids: Fields = sampled.get("pids", _NOTHING)
    processes = tuple(_process(each, pids.get(str(each["pid"]), _NOTHING), now) for each in told.get("processes", ()))
    return WatcherRow(
        name=name,
        state=state,
        detail=detail,
        wanted=_count(told.get("wanted")),
        restarts=_count(sampled.get("restarts")),
        age=max((each.age for each in processes if each.age is not None), default=None),
        figures=figures_of(sampled) if sampled else NO_FIGURES,
        processes=processes,
    )


def _process(told: Fields, sampled: Fields, now: float) -> ProcessRow:
    started = _number(told.get("started"))
    return ProcessRow(
        pid=int(told["pid"]),
        wid=_count(told.get("wid")) or 0,
        state=str(told.get("state", "")),
        age=_number(sampled.get("age")) if started is None else max(0.0, now - started),
        command=_command(sampled),
        user=str(sampled.get("username", "")),
        figures=figures_of(sampled) if sampled else NO_FIGURES,
    )


def _command(sampled: Fields) -> str:
    argv = sampled.get("argv")
    return " ".join(map(str, argv)) if argv else str(sampled.get("cmdline", ""))


def sockets_of(listed: Iterable[Fields], snapshot: Fields) -> tuple[SocketRow, ...]:
    """The arbiter's sockets, with the depth of their queues where circusd-stats tells it."""
    sampled = {str(each.get("name", "")): each for each in _sampled_sockets(snapshot)}
    return tuple(_socket(each, sampled.get(str(each.get("name", "")), _NOTHING)) for each in listed)


def _sampled_sockets(snapshot: Fields) -> Iterable[Fields]:
    found = snapshot.get("sockets", ())
    return found.values() if isinstance(found, Mapping) else found


def _socket(listed: Fields, sampled: Fields) -> SocketRow:
    address = str(listed["path"]) if "path" in listed else f"{listed.get('host', '')}:{listed.get('port', '')}"
    return SocketRow(
        name=str(listed.get("name", "")),
        address=address,
        queued=_count(sampled.get("queued")),
        limit=_count(sampled.get("limit", listed.get("backlog"))),
        dropped=_count(sampled.get("drops")),
        accepted_per_s=_number(sampled.get("accepted_per_s")),
    )
