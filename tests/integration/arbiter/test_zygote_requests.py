"""What a zygote is asked and what it answers where something goes wrong: a request that nobody waits for any more, and
a want of descriptors, the arbiter's or the zygote's. Neither is the application's failure."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from circus_stack.arbiter.charge import Charge
from circus_stack.arbiter.launch_batch import LaunchBatch
from circus_stack.arbiter.zygote import Newborn, Zygote
from circus_stack.config.schema import WatcherConfig
from circus_stack.errors import ResourceShortageError, SpawnError
from circus_stack.system.spawn import SpawnPlan
from tests.integration.arbiter.stage import PATIENCE_S, SLEEP, NullCapture, Stage, play, python, stack_of

# Each worker leaves a file that is called like its slot.
APP = """\
import os, pathlib

def born(arguments):
    pathlib.Path(f"born-{os.environ['WID']}").touch()

def app(environ, start_response):
    start_response("200 OK", [])
    return []
"""
OTHER = WatcherConfig(name="other", cmd=python(SLEEP))


def charge_of(on: Stage, directory: Path) -> Charge:
    (directory / "forked.py").write_text(APP)
    cmd = f"{sys.executable} -m chaussette --port 0 --after-fork forked.born forked:app"
    config = WatcherConfig(name="web", cmd=cmd, preload=True, working_dir=str(directory), env={"WID": "$(circus.wid)"})
    return Charge(config, on.arbiter._keepers["other"]._means)


@contextlib.asynccontextmanager
async def loaded_zygote(charge: Charge):
    ends: list[SpawnError | None] = []
    zygote = Zygote(charge, 1, lambda _zygote, reason: ends.append(reason))
    zygote.start({})
    try:
        async with asyncio.timeout(2 * PATIENCE_S):
            await zygote.wait_loaded()
        yield zygote
    finally:
        zygote.kill()
        async with asyncio.timeout(PATIENCE_S):
            while not ends:
                await asyncio.sleep(0.005)


def plan(charge: Charge, wid: int, capture: NullCapture) -> SpawnPlan:
    return LaunchBatch(charge, {}).plan(wid, 0, f"token{wid}", capture)


def open_fds(pid: int) -> set[int]:
    return {int(each.name) for each in Path(f"/proc/{pid}/fd").iterdir()}


@contextlib.contextmanager
def no_descriptor_left(pid: int = 0) -> Iterator[None]:
    """Of that process, or of this one: the soft limit stands at the lowest free number."""
    taken = open_fds(pid or os.getpid())
    free = next(number for number in range(65536) if number not in taken)
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (free, limits[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)


def test_the_answer_to_a_request_that_was_given_up_is_none_to_the_next(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        charge, capture = charge_of(on, tmp_path), NullCapture()
        async with loaded_zygote(charge) as zygote:
            os.kill(zygote.pid, signal.SIGSTOP)
            first = asyncio.ensure_future(zygote.fork([plan(charge, 1, capture)]))
            await on.wait(lambda: zygote._answer is not None, "the first request")
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            os.kill(zygote.pid, signal.SIGCONT)
            (second,) = await zygote.fork([plan(charge, 2, capture)])
            assert isinstance(second, Newborn)
            second.gate.open()
            await on.wait((tmp_path / "born-2").exists, "the worker that was asked for")
            os.kill(second.child.pid, signal.SIGKILL)
            os.close(second.child.pidfd)
        capture.abandon()
        assert not (tmp_path / "born-1").exists()

    play(stack_of(OTHER), tmp_path, act)


def test_a_want_of_descriptors_is_told_as_one_and_as_whose_it_is(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        charge, capture = charge_of(on, tmp_path), NullCapture()
        async with loaded_zygote(charge) as zygote:
            plans = [plan(charge, wid, capture) for wid in (1, 2)]
            with no_descriptor_left(zygote.pid):
                outcomes = await zygote.fork(plans)
            for each in outcomes:
                assert isinstance(each, ResourceShortageError)
                assert str(each) == "its zygote could not take the descriptors of its workers: Too many open files"

            before = open_fds(os.getpid())
            with no_descriptor_left():
                outcomes = await zygote.fork(plans)
            assert open_fds(os.getpid()) == before
            assert [str(each) for each in outcomes] == ["the arbiter could not ask its zygote: Too many open files"] * 2
            assert all(isinstance(each, ResourceShortageError) for each in outcomes)

            # It has taken no harm.
            (worker,) = await zygote.fork(plans[:1])
            assert isinstance(worker, Newborn)
            worker.turn_away()

        ends: list[SpawnError | None] = []
        with no_descriptor_left():
            Zygote(charge, 1, lambda _zygote, reason: ends.append(reason)).start({})
        assert isinstance(ends[0], ResourceShortageError)
        assert str(ends[0]) == "its zygote could not be started: Too many open files"
        capture.abandon()

    play(stack_of(OTHER), tmp_path, act)
