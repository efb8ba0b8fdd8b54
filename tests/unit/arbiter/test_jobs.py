"""The book of jobs: numbers, states, what is remembered, and what is too much."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from circus_stack.arbiter.jobs import MAX_UNFINISHED, REMEMBERED, Job, JobBook, JobState, note_begun
from circus_stack.errors import CommandError, Errno


async def nothing() -> int:
    return 7


def play(act: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(act, 20))


def test_a_job_is_queued_until_it_has_its_turn_and_then_ends() -> None:
    async def act() -> None:
        gate, book = asyncio.Event(), JobBook(lambda: 5.0)

        async def work() -> int:
            await gate.wait()
            note_begun(6.0)
            await asyncio.sleep(0)
            return 7

        task = book.start(asyncio.get_running_loop(), "reload", ("web",), work())
        await asyncio.sleep(0)
        assert book.jobs() == (Job("1", "reload", ("web",), 5.0),)
        assert book.id_of(task) == "1"
        gate.set()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert (book.jobs()[0].state, book.jobs()[0].started) == (JobState.RUNNING, 6.0)
        assert await task == 7
        await asyncio.sleep(0)
        assert book.jobs() == (Job("1", "reload", ("web",), 5.0, JobState.DONE, 6.0, 5.0),)
        assert book.id_of(task) is None

    play(act())


def test_a_failure_is_remembered_and_told() -> None:
    async def act() -> None:
        told: list[Job] = []
        book = JobBook(lambda: 5.0, told.append)

        async def work() -> None:
            raise CommandError("no")

        task = book.start(asyncio.get_running_loop(), "set", ("web",), work())
        with pytest.raises(CommandError):
            await task
        assert [(job.state, job.error) for job in book.jobs()] == [(JobState.FAILED, "no")]
        assert told[0].error == "no"

    play(act())


def test_what_an_operation_asks_for_belongs_to_it() -> None:
    async def act() -> None:
        book, loop = JobBook(lambda: 5.0), asyncio.get_running_loop()

        async def work() -> int:
            inner = book.start(loop, "restart", (), nothing())
            assert book.id_of(inner) is None
            return await inner

        assert await book.start(loop, "reloadconfig", (), work()) == 7
        assert [job.command for job in book.jobs()] == ["reloadconfig"]
        # The caller itself is no job, also afterwards.
        await book.start(loop, "start", (), nothing())
        assert [job.id for job in book.jobs()] == ["1", "2"]

    play(act())


def test_too_many_are_refused_and_old_ones_forgotten() -> None:
    async def act() -> None:
        gate, book, loop = asyncio.Event(), JobBook(lambda: 5.0), asyncio.get_running_loop()

        async def wait() -> None:
            await gate.wait()

        tasks = [book.start(loop, "kill", (), wait()) for _ in range(MAX_UNFINISHED)]
        with pytest.raises(CommandError, match="under way already") as caught:
            book.start(loop, "kill", (), wait())
        assert caught.value.errno is Errno.COMMAND_ERROR
        gate.set()
        await asyncio.gather(*tasks)
        await asyncio.sleep(0)
        assert [job.id for job in book.jobs()] == [str(MAX_UNFINISHED - REMEMBERED + 1 + n) for n in range(REMEMBERED)]

    play(act())


def test_a_cancelled_job_is_not_left_open() -> None:
    async def act() -> None:
        book = JobBook(lambda: 5.0)
        task = book.start(asyncio.get_running_loop(), "stop", (), nothing())
        task.cancel()
        await asyncio.wait({task})
        await asyncio.sleep(0)
        assert [(job.state, job.error) for job in book.jobs()] == [(JobState.FAILED, "it was cancelled")]

    play(act())
