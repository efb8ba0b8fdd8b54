"""The jobs of an arbiter to their record, and the watchers of a new one back from theirs. In the loop, no wait."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from msgspec.structs import replace

from circus_stack.arbiter.handover.keeping import restore_keeper
from circus_stack.arbiter.handover.record import JobsRecord, WatcherRecord
from circus_stack.arbiter.jobs import Job, JobBook, JobState
from circus_stack.arbiter.keeper import Keeper

_CUT = "the arbiter was upgraded while this waited; what it asked for goes on"
# The command whose job is at its end when another arbiter goes on.
UPGRADE = "upgrade"


def jobs_state(jobs: JobBook, now: float) -> JobsRecord:
    """All jobs as ended, at `now` (the time of day): whoever waited in one for processes to serve does so no more, and
    the wait was all there was. The upgrade itself has succeeded where anybody reads this."""
    unfinished = {job.id for job in jobs.unfinished}
    ended = (_end(job, now) if job.id in unfinished else job for job in jobs.jobs())
    return JobsRecord(last_id=jobs.last_id(), jobs=tuple(ended))


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
