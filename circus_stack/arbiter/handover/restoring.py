"""The whole arbiter to a record, and the watchers of a new one back from it. In the loop, without a wait."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial

from circus_stack.arbiter.handover.keeping import keeper_state, restore_keeper
from circus_stack.arbiter.handover.record import ArbiterRecord, JobsRecord, WatcherRecord
from circus_stack.arbiter.jobs import Job, JobBook, JobState
from circus_stack.arbiter.keeper import Keeper
from circus_stack.arbiter.sockets import ListeningSocket
from circus_stack.config.schema import StackConfig

_CUT = "the arbiter was upgraded while this waited; what it asked for goes on"
# The command whose job is at its end when another arbiter goes on.
UPGRADE = "upgrade"


def arbiter_state(
    declared: StackConfig,
    keepers: Iterable[Keeper],
    sockets: Iterable[ListeningSocket],
    jobs: JobBook,
    released: Iterable[int],
    now: float,
) -> ArbiterRecord:
    """What an `Arbiter` goes on from; `now` is the time of day."""
    return ArbiterRecord(
        declared=declared,
        watchers=tuple(map(keeper_state, keepers)),
        sockets=tuple(each.state() for each in sockets),
        jobs=JobsRecord(last_id=jobs.last_id(), jobs=_ended(jobs, now)),
        released=tuple(released),
    )


def _ended(jobs: JobBook, now: float) -> tuple[Job, ...]:
    """All jobs as ended: whoever waited in one for processes to serve does so no more, and the wait was all there was.
    The upgrade itself has succeeded where anybody reads this."""
    unfinished = {job.id for job in jobs.unfinished}
    return tuple(_end(job, now) if job.id in unfinished else job for job in jobs.jobs())


def _end(job: Job, now: float) -> Job:
    started = job.started or now
    if job.command == UPGRADE:
        return replace(job, state=JobState.DONE, started=started, ended=now)
    return replace(job, state=JobState.FAILED, error=_CUT, started=started, ended=now)


def restore_keepers(
    records: Iterable[WatcherRecord], keepers: Mapping[str, Keeper], may_start: Callable[[str], bool]
) -> None:
    """Have each keeper go on where its record says. Nothing is spawned or told before `Arbiter.run`."""
    for record in records:
        name = record.config.name
        restore_keeper(keepers[name], record, partial(may_start, name))
