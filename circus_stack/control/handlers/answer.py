"""The answer to an operation: its job at once, or what it did once it is done."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from circus_stack.arbiter.outcome import Outcome
from circus_stack.control.desk import Desk

Fields = dict[str, Any]
Answer = Fields | Awaitable[Fields]


def nothing(_outcome: Outcome) -> Fields:
    """An operation that tells no more than that it is done."""
    return {}


def answer(
    desk: Desk, task: asyncio.Task[Outcome], *, waiting: bool, fields: Callable[[Outcome], Fields] = nothing
) -> Answer:
    """`job`, the operation's id; with `waiting` when it is done, beside the `fields` of what it did.

    The failure of one that nobody waits for is told by `jobs`, by an event and by the log.
    """
    job = {"job": desk.arbiter.jobs.id_of(task)}
    return _finish(task, job, fields) if waiting else job


async def _finish(task: asyncio.Task[Outcome], job: Fields, fields: Callable[[Outcome], Fields]) -> Fields:
    # A client that is gone must not take back what it asked for.
    outcome = await asyncio.shield(task)
    return {**fields(outcome), **job}
