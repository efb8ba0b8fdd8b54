"""From published messages and from replies to records. Pure; what a message of another version lacks is None."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from circus_stack.client.stats.records import (
    Figures,
    History,
    ProcessStats,
    Record,
    Snapshot,
    SocketStats,
    StackStats,
    WatcherStats,
)
from circus_stack.errors import CallError
from circus_stack.protocol.topics import SOCKETS, STACK_TOPIC, STATS

Fields = Mapping[str, Any]

_PREFIX = f"{STATS}."
_SIZE = re.compile(r"(\d+(?:\.\d+)?)([BKMGTP]?)")
_POWERS = "BKMGTP"
_NOTHING: Fields = {}


def record_of(topic: str, fields: Fields) -> Record | None:
    """The record of a published message; None for what is no statistics, and for Circus's sums over sockets."""
    if topic == STACK_TOPIC:
        return stack_of(fields)
    if not topic.startswith(_PREFIX):
        return None
    name = topic.removeprefix(_PREFIX)
    if "subtopic" not in fields:
        return None if name == SOCKETS else watcher_of(name, fields)
    # A watcher's own name may have dots with Circus: only what the message says tells them apart.
    watcher, _, last = name.rpartition(".")
    if watcher == SOCKETS:
        return socket_of(fields)
    return process_of(watcher, int(last), fields) if last.isdecimal() else None


def process_of(watcher: str, pid: int, fields: Fields) -> ProcessStats:
    """One process."""
    return ProcessStats(
        watcher=watcher,
        pid=pid,
        role=str(fields.get("name") or ""),
        user=str(fields.get("username") or ""),
        command=_command(fields),
        created=number(fields.get("create_time")),
        age=number(fields.get("age")),
        time=number(fields.get("time")),
        family=tuple(_pids(fields.get("family"))),
        statuses=_statuses(fields.get("statuses")),
        figures=figures_of(fields),
    )


def _command(fields: Fields) -> str:
    argv = fields.get("argv")
    return " ".join(map(str, argv)) if isinstance(argv, list) and argv else str(fields.get("cmdline") or "")


def _pids(value: Any) -> Iterable[int]:
    return (each for each in value if type(each) is int) if isinstance(value, list) else ()


def _statuses(value: Any) -> Mapping[str, int]:
    if not isinstance(value, Mapping):
        return {}
    return {str(name): each for name, each in value.items() if type(each) is int}


def watcher_of(name: str, fields: Fields) -> WatcherStats:
    """The sums of a watcher."""
    pids = fields.get("pids")
    return WatcherStats(
        watcher=name,
        pids=tuple(map(int, pids)) if isinstance(pids, Mapping) else tuple(_pids(fields.get("pid"))),
        age=number(fields.get("age")),
        time=number(fields.get("time")),
        interval=number(fields.get("interval")),
        restarts=count(fields.get("restarts")),
        figures=figures_of(fields),
    )


def stack_of(fields: Fields) -> StackStats:
    """The sums of a stack."""
    return StackStats(
        processes=count(fields.get("processes")) or 0,
        total_memory=count(fields.get("total_memory")),
        time=number(fields.get("time")),
        figures=figures_of(fields),
    )


def socket_of(fields: Fields) -> SocketStats:
    """A socket: as it is published, as it is listed, or as a snapshot has it."""
    fd = count(fields.get("fd", fields.get("subtopic")))
    accepted = fields.get("accepted_per_s", fields.get("reads"))
    return SocketStats(
        name=str(fields.get("name") or ("" if fd is None else fd)),
        fd=fd,
        address=address_of(fields),
        queued=count(fields.get("queued")),
        limit=count(fields.get("limit", fields.get("backlog"))),
        dropped=count(fields.get("drops")),
        accepted_per_s=number(accepted),
    )


def address_of(fields: Fields) -> str:
    """`HOST:PORT`, or the path of a unix socket."""
    if "address" in fields:
        return str(fields["address"])
    return str(fields["path"]) if "path" in fields else f"{fields.get('host', '')}:{fields.get('port', '')}"


def figures_of(fields: Fields) -> Figures:
    """The figures in one process's fields, or in a sum's: those of circusd-stats, or Circus's texts."""
    return Figures(
        cpu=number(fields.get("cpu_sum", fields.get("cpu"))),
        rss=count(fields["rss"]) if "rss" in fields else _bytes(fields.get("mem_info1")),
        vms=count(fields["vms"]) if "vms" in fields else _bytes(fields.get("mem_info2")),
        **_known(fields),
    )


def _known(fields: Fields) -> dict[str, Any]:
    numbers = {name: number(fields[name]) for name in _NUMBERS if name in fields}
    return numbers | {name: count(fields[name]) for name in _COUNTS if name in fields}


_NUMBERS = ("rps", "p50", "p95", "p99", "group_throttled")
_COUNTS = tuple(name for name in Figures.__struct_fields__ if name not in (*_NUMBERS, "cpu", "rss", "vms"))


def number(value: Any) -> float | None:
    """A number as one; None for Circus's "N/A" and whatever else is none."""
    # JSON has no other kinds; true and false are none.
    return float(value) if type(value) in (int, float) else None


def count(value: Any) -> int | None:
    """The same as a whole number."""
    return int(value) if type(value) in (int, float) else None


def _bytes(text: Any) -> int | None:
    match = _SIZE.fullmatch(text) if isinstance(text, str) else None
    return None if match is None else int(float(match[1]) * 1024 ** _POWERS.index(match[2] or "B"))


def snapshot_of(reply: Fields) -> Snapshot:
    """The reply to `snapshot`. Raises CallError for what is none."""
    try:
        watchers: Fields = reply["watchers"]
        return Snapshot(
            stack=stack_of(reply["total"]),
            watchers={name: watcher_of(name, each) for name, each in watchers.items()},
            processes={
                int(pid): process_of(name, int(pid), fields)
                for name, each in watchers.items()
                for pid, fields in each.get("pids", _NOTHING).items()
            },
            sockets=tuple(socket_of(each) for each in reply.get("sockets", ())),
            ticks=count(reply.get("ticks")) or 0,
            latest_s=number(reply.get("latest_s")) or 0.0,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CallError(f"the reply to 'snapshot' is none of circusd-stats': {error!r}") from None


def series_of(reply: Fields) -> tuple[str, ...]:
    """The reply to `series`. Raises CallError for what is none."""
    names = reply.get("series")
    if not isinstance(names, list):
        raise CallError("the reply to 'series' is none of circusd-stats': it has no list of names")
    return tuple(map(str, names))


# What a reply to `history` has beside its columns.
_NO_COLUMNS = frozenset({"id", "status", "time", "name", "pid", "step", "times"})


def history_of(reply: Fields) -> History:
    """The reply to `history`. Raises CallError for what is none."""
    try:
        return History(
            watcher=str(reply["name"]),
            pid=count(reply.get("pid")),
            step=int(reply["step"]),
            times=tuple(map(int, reply["times"])),
            columns={
                name: tuple(map(number, values))
                for name, values in reply.items()
                if name not in _NO_COLUMNS and isinstance(values, list)
            },
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CallError(f"the reply to 'history' is none of circusd-stats': {error!r}") from None


def page_of(reply: Fields) -> tuple[str, str]:
    """The reply to `metrics`: the page and its Content-Type. Raises CallError for what is none."""
    page, kind = reply.get("page"), reply.get("content_type")
    if not (isinstance(page, str) and isinstance(kind, str)):
        raise CallError("the reply to 'metrics' is none of circusd-stats'")
    return page, kind
