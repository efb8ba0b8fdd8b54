"""What changes the processes of watchers: start, stop, restart, reload, incr, decr.

Without `waiting` the answer says that an operation was accepted; its failure is then told by events and by the log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from circus_stack.arbiter.outcome import Outcome
from circus_stack.control.desk import Desk
from circus_stack.control.matching import match_names
from circus_stack.errors import CommandError
from circus_stack.literals import MAX_PROCESSES

Fields = dict[str, Any]
Answer = Fields | Awaitable[Fields]

_Operation = Callable[[Sequence[str] | None], "asyncio.Task[Outcome]"]


def start(desk: Desk, properties: Fields) -> Answer:
    """Waiting and named: `info` {started, kept}."""
    return _operate(desk, properties, desk.arbiter.start, _started_info)


def stop(desk: Desk, properties: Fields) -> Answer:
    """Waiting and named: `info` is null, as Circus has it."""
    return _operate(desk, properties, desk.arbiter.stop, lambda _outcome: None)


def restart(desk: Desk, properties: Fields) -> Answer:
    """Waiting and named: `info` {stopped, started, kept}."""
    return _operate(desk, properties, desk.arbiter.restart, _full_info)


def _operate(desk: Desk, properties: Fields, operation: _Operation, info: Callable[[Outcome], Fields | None]) -> Answer:
    pattern = properties["name"]
    names = None if pattern is None else match_names(desk.arbiter.names(), pattern, properties["match"])
    task = operation(names)
    if not properties["waiting"]:
        return {}
    return _finish(task, None if names is None else info)


async def _finish(task: asyncio.Task[Outcome], info: Callable[[Outcome], Fields | None] | None) -> Fields:
    # A client that is gone must not take back what it asked for.
    outcome = await asyncio.shield(task)
    return {} if info is None else {"info": info(outcome)}


def _started_info(outcome: Outcome) -> Fields:
    return {"started": outcome.started, "kept": outcome.kept}


def _full_info(outcome: Outcome) -> Fields:
    return {"stopped": outcome.stopped, "started": outcome.started, "kept": outcome.kept}


def reload(desk: Desk, properties: Fields) -> Answer:
    """Waiting and named: `info` {stopped, started, kept}; an error if the new processes did not become ready."""
    name = properties["name"]
    names = None if name is None else (desk.arbiter.config(name).name,)
    if not properties["graceful"]:
        task = desk.arbiter.restart(names)
    elif properties["sequential"]:
        task = asyncio.ensure_future(_reload_each(desk, names or desk.arbiter.names()))
    else:
        task = desk.arbiter.reload(names)
    if not properties["waiting"]:
        # The failure of a task that nobody awaits: the arbiter has told it, by an event and by the log.
        task.add_done_callback(_retrieve)
        return {}
    return _finish(task, None if names is None else _full_info)


async def _reload_each(desk: Desk, names: Sequence[str]) -> Outcome:
    outcome = Outcome()
    for name in names:
        outcome += await desk.arbiter.reload((name,))
    return outcome


def _retrieve(task: asyncio.Task[Outcome]) -> None:
    if not task.cancelled():
        task.exception()


def incr(desk: Desk, properties: Fields) -> Answer:
    """Waiting: `numprocesses` that are wanted now. Of a singleton nothing is changed, and `singleton` is true.

    Raises CommandError where the watcher would have more than it may.
    """
    return _change_count(desk, properties, properties["nb"])


def decr(desk: Desk, properties: Fields) -> Answer:
    """Waiting: `numprocesses` that are wanted now, 0 at least."""
    return _change_count(desk, properties, -properties["nb"])


def _change_count(desk: Desk, properties: Fields, difference: int) -> Answer:
    name = properties["name"]
    wanted = desk.arbiter.wanted(name)
    if desk.arbiter.config(name).singleton and wanted + difference > 1:
        return {"numprocesses": wanted, "singleton": True}
    if wanted + difference > MAX_PROCESSES:
        raise CommandError(f"{name} would have {wanted + difference} processes, at most {MAX_PROCESSES} are legal")
    task = desk.arbiter.set_wanted(name, max(0, wanted + difference))
    return _finish_count(desk, name, task) if properties["waiting"] else {}


async def _finish_count(desk: Desk, name: str, task: asyncio.Task[Outcome]) -> Fields:
    await asyncio.shield(task)
    fields: Fields = {"numprocesses": desk.arbiter.wanted(name)}
    return {**fields, "singleton": True} if desk.arbiter.config(name).singleton else fields
