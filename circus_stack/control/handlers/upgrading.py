"""The upgrade of the arbiter in place: answered in the last moment before the exec, which ends the endpoint."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from circus_stack.control.desk import Desk

Fields = dict[str, Any]


async def upgrade(desk: Desk, properties: Fields) -> Fields:
    """`job`, `old_version`, `version`, `pids`. Whether the exec then succeeded, the job tells, asked for anew."""
    loop, jobs = asyncio.get_running_loop(), desk.arbiter.jobs
    prepared: asyncio.Future[Mapping[str, Any]] = loop.create_future()
    task = jobs.start(loop, "upgrade", (), desk.offices.upgrade(properties["rehearsal_timeout"], prepared.set_result))
    job = jobs.id_of(task)
    # Whatever it ends in is told by the job, by an event and in the log.
    task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
    task.add_done_callback(lambda _: prepared.cancel())
    await asyncio.wait([prepared])
    if prepared.cancelled():
        task.result()
    return {**await prepared, "job": job}
