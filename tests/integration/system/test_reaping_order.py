"""A child keeps its number until what is left of its group has been signalled; afterwards nobody is hit by mistake."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import psutil
import pytest

from circus_stack.system.command import run_command
from circus_stack.system.descent import become_subreaper, has_own_member, signal_group, signal_own_group
from circus_stack.system.reaper import Reaper
from circus_stack.system.spawn import Child, SpawnPlan, spawn
from tests.support.waiting import wait_until

TIMEOUT_S = 20.0


@pytest.fixture
def null() -> Iterator[int]:
    fd = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    yield fd
    os.close(fd)


def play(act: Callable[[Reaper], Awaitable[None]]) -> None:
    async def bounded() -> None:
        become_subreaper()
        reaper = Reaper(asyncio.get_running_loop(), lambda _pid: None)
        reaper.start()
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await act(reaper)
        finally:
            reaper.close()

    asyncio.run(bounded())


def shell(null: int, code: str) -> Child:
    return spawn(SpawnPlan(["sh", "-c", code], dict(os.environ), None, None, (), null, null))


def is_there(pid: int) -> bool:
    """Whether the number is taken, by a zombie as well."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_group_is_signalled_before_its_number_is_free(null: int) -> None:
    async def act(reaper: Reaper) -> None:
        steps: list[tuple[str, bool, bool]] = []
        ended = asyncio.Event()

        def before_reap(pid: int) -> None:
            steps.append(("before", is_there(pid), reaper.knows(pid)))
            signal_group(pid, signal.SIGKILL)

        def on_exit(pid: int, code: int) -> None:
            steps.append((f"exit {code}", is_there(pid), reaper.knows(pid)))
            ended.set()

        # The last member of its group.
        reaper.add(shell(null, "exit 7"), on_exit, before_reap)
        await ended.wait()
        assert steps == [("before", True, True), ("exit 7", False, False)]

        # A member outlives the leader, is signalled, and ends.
        ended.clear()
        child = shell(null, "sleep 600 & exit 0")
        reaper.add(child, on_exit, before_reap)
        await ended.wait()
        while signal_group(child.pid, 0):
            await asyncio.sleep(0.01)

    play(act)


def test_a_child_is_reaped_and_told_whatever_its_owner_does_before(null: int) -> None:
    async def act(reaper: Reaper) -> None:
        errors: list[object] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, context: errors.append(context.get("exception")))
        ended: asyncio.Future[int] = loop.create_future()

        def before_reap(_pid: int) -> None:
            raise RuntimeError("a mistake")

        child = shell(null, "exit 3")
        reaper.add(child, lambda _pid, code: ended.set_result(code), before_reap)
        assert await ended == 3
        assert not is_there(child.pid)
        await asyncio.sleep(0)
        assert [str(error) for error in errors] == ["a mistake"]

    play(act)


def test_only_a_group_of_our_own_is_signalled_later(null: int) -> None:
    async def act(reaper: Reaper) -> None:
        ended = asyncio.Event()
        child = shell(null, "sleep 600 & exit 0")
        reaper.add(child, lambda _pid, _code: ended.set())
        await ended.wait()
        assert has_own_member(child.pid)
        assert signal_own_group(child.pid, signal.SIGKILL)
        while has_own_member(child.pid):
            await asyncio.sleep(0.01)
        assert not signal_own_group(child.pid, signal.SIGKILL)
        # init leads a group, and is no descendant of ours.
        assert signal_group(1, 0)
        assert not signal_own_group(1, 0)

    play(act)


def test_a_probe_that_ended_is_not_killed_by_its_number(null: int, tmp_path: Path) -> None:
    mark = tmp_path / "pid"

    async def act(reaper: Reaper) -> None:
        # What the program leaves behind in its group shows whether the group was signalled.
        argv = ["sh", "-c", f"sleep 600 & echo $$ $! > {mark}.fresh; mv {mark}.fresh {mark}"]
        probe = asyncio.ensure_future(run_command(reaper, argv, env=os.environ, cwd=None))
        await asyncio.sleep(0)
        # The loop stands still from here on, so that end and cancellation fall into one turn of it.
        pid, left = map(int, wait_until(lambda: mark.exists() and mark.read_text(), "the program's pids").split())
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        reaper.reap_strangers()
        probe.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await probe
        assert psutil.Process(left).status() != psutil.STATUS_ZOMBIE
        os.kill(left, signal.SIGKILL)
        while is_there(left):
            await asyncio.sleep(0.01)

    play(act)
