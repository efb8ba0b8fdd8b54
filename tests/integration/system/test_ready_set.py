"""Descriptors behind one epoll: called back while they can be read, left alone once removed."""

from __future__ import annotations

import asyncio
import os

from circus_stack.system.ready_set import ReadySet
from tests.support.waiting import PATIENCE_S


def test_each_is_called_while_it_can_be_read_and_one_that_fails_stops_no_other() -> None:
    async def act() -> None:
        loop = asyncio.get_running_loop()
        ready = ReadySet(loop)
        told: list[str] = []
        loop.set_exception_handler(lambda _loop, context: told.append(str(context["exception"])))
        pipes = [os.pipe() for _ in range(3)]
        seen: list[tuple[int, bytes]] = []
        done = asyncio.Event()

        def read(number: int) -> None:
            data = os.read(pipes[number][0], 1)
            if number == 0:
                raise ValueError("of no use")
            if not data:
                ready.remove(pipes[number][0])
                done.set()
            seen.append((number, data))

        for number, (reader, _writer) in enumerate(pipes):
            ready.add(reader, read, number)
        os.write(pipes[0][1], b"x")
        os.write(pipes[1][1], b"ab")
        os.close(pipes[2][1])
        await asyncio.wait_for(done.wait(), PATIENCE_S)
        for _ in range(20):
            await asyncio.sleep(0)

        assert sorted(seen) == [(1, b"a"), (1, b"b"), (2, b"")]
        assert told == ["of no use"]
        ready.close()
        ready.close()
        for fd in (pipes[0][0], pipes[0][1], pipes[1][0], pipes[1][1], pipes[2][0]):
            os.close(fd)

    asyncio.run(act())


def test_what_a_callback_removes_is_not_called_in_the_same_turn() -> None:
    async def act() -> None:
        ready = ReadySet(asyncio.get_running_loop())
        pipes = [os.pipe() for _ in range(2)]
        called: list[int] = []
        done = asyncio.Event()

        def first_come(number: int) -> None:
            called.append(number)
            for reader, _writer in pipes:
                ready.remove(reader)
            done.set()

        for number, (reader, writer) in enumerate(pipes):
            os.write(writer, b"x")
            ready.add(reader, first_come, number)
        await asyncio.wait_for(done.wait(), PATIENCE_S)
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(called) == 1
        ready.close()
        for pipe in pipes:
            for fd in pipe:
                os.close(fd)

    asyncio.run(act())
