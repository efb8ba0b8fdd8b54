"""What processes use: stats, dstats. The figures are read off the loop, see `control.sampler`."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from circus_stack.arbiter.process import ProcessView
from circus_stack.control.desk import Desk
from circus_stack.control.sampler import GONE, Info
from circus_stack.errors import CommandError

Fields = dict[str, Any]


async def stats(desk: Desk, properties: Fields) -> Fields:
    """`infos` {watcher: {pid: info}}; of one watcher `name`, `info` {pid: info}; of one process `process`, `info`.

    Beside them, where workers are forked from one, `zygotes` {watcher: {pid: info}}: no process that serves.
    """
    name, pid, extended = properties["name"], properties["process"], properties["extended"]
    # Read with the pids, not with the figures: an event that comes between the two is not in the answer.
    seq = desk.offices.seq()
    if name is None:
        names = desk.arbiter.names()
        return {"infos": await _stats_of(desk, names, extended), **await _zygotes_of(desk, names), "seq": seq}
    asked, name = name, desk.arbiter.config(name).name
    if pid is not None and pid not in {process.pid for process in desk.arbiter.processes(name)}:
        raise CommandError(f"process {pid} not found in {name!r}")
    info = (await _stats_of(desk, (name,), extended))[name]
    if pid is not None:
        return {"process": pid, "info": info.get(str(pid), GONE)}
    return {"name": asked, "info": info, **await _zygotes_of(desk, (name,)), "seq": seq}


async def _zygotes_of(desk: Desk, names: tuple[str, ...]) -> Fields:
    views = {name: found for name in names if (found := desk.arbiter.zygotes(name))}
    if not views:
        return {}
    sample = await desk.sampler.sample([each.pid for found in views.values() for each in found])
    return {
        "zygotes": {
            name: {
                str(each.pid): info if isinstance(info := sample[each.pid], str) else {**info, "state": each.state}
                for each in found
            }
            for name, found in views.items()
        }
    }


async def _stats_of(desk: Desk, names: tuple[str, ...], extended: bool) -> dict[str, dict[str, Any]]:
    views = {name: desk.arbiter.processes(name) for name in names}
    sample = await desk.sampler.sample(
        [process.pid for processes in views.values() for process in processes], extended=extended
    )
    infos = {
        name: {str(process.pid): _with_record(desk, name, process, sample[process.pid]) for process in processes}
        for name, processes in views.items()
    }
    if extended:
        await _extend(desk, infos)
    return infos


async def _extend(desk: Desk, infos: dict[str, dict[str, Any]]) -> None:
    """Let the hooks extended_stats add to the figures, all at the same time."""
    places = [(name, pid) for name, found in infos.items() for pid, info in found.items() if isinstance(info, dict)]
    extended = await asyncio.gather(
        *(desk.arbiter.extend_stats(name, int(pid), infos[name][pid]) for name, pid in places), return_exceptions=True
    )
    for (name, pid), info in zip(places, extended, strict=True):
        # A watcher that was removed meanwhile has no hook any more.
        if not isinstance(info, BaseException):
            infos[name][pid] = dict(info)


def _with_record(desk: Desk, name: str, process: ProcessView, info: Info | str) -> Info | str:
    """The figures, with what the arbiter knows of the process; nothing is added to the text for a process gone."""
    if isinstance(info, str):
        return info
    return {
        **info,
        "started": process.started_at,
        "wid": process.wid,
        "state": str(process.state),
        "ready_at": process.ready_at,
        "generation": process.generation,
        "memory": process.memory,
        "memory_kind": process.memory_kind or None,
        **({} if process.slot is None else desk.offices.scores(process.slot)),
        **desk.offices.labels(name),
    }


async def dstats(desk: Desk, _properties: Fields) -> Fields:
    """`info`: what the arbiter itself uses; its children are the watchers' processes, and told by `stats`."""
    pid = os.getpid()
    return {"info": (await desk.sampler.sample([pid], with_children=False))[pid]}
