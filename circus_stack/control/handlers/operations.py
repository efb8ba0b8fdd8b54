"""What changes the processes of watchers: start, stop, restart, reload, incr, decr. And what is under way: jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from msgspec import structs

from circus_stack.arbiter.outcome import Outcome
from circus_stack.control.desk import Desk
from circus_stack.control.handlers.answer import Answer, Fields, answer, nothing
from circus_stack.control.matching import match_names
from circus_stack.errors import CommandError
from circus_stack.literals import MAX_PROCESSES

_Operation = Callable[[Sequence[str] | None], "asyncio.Task[Outcome]"]


def start(desk: Desk, properties: Fields) -> Answer:
    """Waiting and named: `info` {started, kept}."""
    return _operate(desk, properties, desk.arbiter.start, lambda outcome: {"info": started_info(outcome)})


def stop(desk: Desk, properties: Fields) -> Answer:
    """Waiting and named: `info` is null, as Circus has it."""
    return _operate(desk, properties, desk.arbiter.stop, lambda _outcome: {"info": None})


def restart(desk: Desk, properties: Fields) -> Answer:
    """Waiting and named: `info` {stopped, started, kept}."""
    return _operate(desk, properties, desk.arbiter.restart, _full_info)


def _operate(desk: Desk, properties: Fields, operation: _Operation, info: Callable[[Outcome], Fields]) -> Answer:
    pattern = properties["name"]
    names = None if pattern is None else match_names(desk.arbiter.names(), pattern, properties["match"])
    task = operation(names)
    return answer(desk, task, waiting=properties["waiting"], fields=nothing if names is None else info)


def started_info(outcome: Outcome) -> Fields:
    """What a start did, by Circus's keys."""
    return {"started": outcome.started, "kept": outcome.kept}


def _full_info(outcome: Outcome) -> Fields:
    return {"info": {"stopped": outcome.stopped, "started": outcome.started, "kept": outcome.kept}}


def reload(desk: Desk, properties: Fields) -> Answer:
    """Waiting and named: `info` {stopped, started, kept}; an error if the new processes did not become ready."""
    name = properties["name"]
    names = None if name is None else (desk.arbiter.config(name).name,)
    if properties["graceful"]:
        task = desk.arbiter.reload(names, sequential=properties["sequential"])
    else:
        task = desk.arbiter.restart(names)
    return answer(desk, task, waiting=properties["waiting"], fields=nothing if names is None else _full_info)


def incr(desk: Desk, properties: Fields) -> Answer:
    """Waiting: `numprocesses` that are wanted now. Of a singleton nothing is changed, and `singleton` is true.

    Raises CommandError where the watcher would have more than it may.
    """
    return _change_count(desk, properties, properties["nb"])


def decr(desk: Desk, properties: Fields) -> Answer:
    """Waiting: `numprocesses` that are wanted now, 0 at least. Of a singleton nothing is changed."""
    return _change_count(desk, properties, -properties["nb"])


def _change_count(desk: Desk, properties: Fields, difference: int) -> Answer:
    name = properties["name"]
    wanted = desk.arbiter.wanted(name)
    if desk.arbiter.config(name).singleton:
        return {"numprocesses": wanted, "singleton": True}
    if wanted + difference > MAX_PROCESSES:
        raise CommandError(f"{name} would have {wanted + difference} processes, at most {MAX_PROCESSES} are legal")
    task = desk.arbiter.change_wanted(name, difference)

    def count(_outcome: Outcome) -> Fields:
        return {"numprocesses": desk.arbiter.wanted(name)}

    return answer(desk, task, waiting=properties["waiting"], fields=count)


def jobs(desk: Desk, properties: Fields) -> Fields:
    """`jobs`, oldest first: {id, command, watchers, state, asked, started, ended, error}; no watcher means all."""
    id = properties["id"]
    found = [structs.asdict(job) for job in desk.arbiter.jobs.jobs() if id in (None, job.id)]
    if id is not None and not found:
        raise CommandError(f"there is no job {id!r}, or it ended long ago")
    return {"jobs": found}
