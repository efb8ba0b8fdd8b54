"""Operations that overtake one another: whatever is queued, a stop and a quit are the last word, and leave nothing."""

from __future__ import annotations

import asyncio
import dataclasses
import random
import socket
from pathlib import Path

import psutil
import pytest

from circus_stack.config.kinds import parse_readiness
from circus_stack.config.schema import SocketConfig, WatcherConfig
from circus_stack.config.values import Readiness, ReadinessForm
from circus_stack.errors import CircusStackError, CommandError, UnknownWatcherError
from circus_stack.events import ConfigApplied, ProcessSpawned, WatcherFailed
from circus_stack.states import WatcherState
from circus_stack.system.descent import descendants
from tests.integration.arbiter.stage import NOTIFY, SLEEP, Stage, play, python, stack_of
from tests.support.ports import free_port

READY = Readiness(ReadinessForm.NOTIFY)
# Serves until SIGTERM, then takes its time.
SLOW_TO_GO = (
    "import signal,sys,time;signal.signal(15,lambda *_:(time.sleep(1.5),sys.exit()));" + NOTIFY + "time.sleep(600)"
)


def web(**options: object) -> WatcherConfig:
    values: dict[str, object] = {"use_sockets": True, "cmd": python(NOTIFY + SLEEP), "ready": READY}
    return WatcherConfig(name="web", **{**values, **options})  # type: ignore[arg-type]


def never_ready(**options: object) -> WatcherConfig:
    return web(cmd="sleep 600", **options)


async def active(on: Stage, *names: str) -> None:
    await on.wait(
        lambda: all(on.arbiter.status(name) is WatcherState.ACTIVE for name in names or ("web",)), "it to come up"
    )


async def quit_now(on: Stage) -> None:
    on.arbiter.request_quit()
    assert on.run is not None
    await on.run
    assert descendants() == []


def test_a_quit_overtakes_everything_that_is_queued(tmp_path: Path) -> None:
    stack = stack_of(web())

    async def act(on: Stage) -> None:
        await active(on)
        hung = dataclasses.replace(stack, watchers=(never_ready(),))
        tasks = [on.arbiter.apply(hung, roll=True) for _ in range(3)]
        tasks += [on.arbiter.reload(["web"]), on.arbiter.set_wanted("web", 0), on.arbiter.restart(["web"])]
        await on.wait(lambda: len(on.of(ProcessSpawned)) > 1, "the new generation")
        await quit_now(on)
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(result, CircusStackError) for result in results if result is not None), results

    play(stack, tmp_path, act)


@pytest.mark.parametrize("names", [["web"], None])
def test_a_restart_does_not_undo_a_quit(tmp_path: Path, names: list[str] | None) -> None:
    slow = web(cmd=python(SLOW_TO_GO), numprocesses=2)
    other = WatcherConfig(name="other", cmd="sleep 600", ready=parse_readiness("delay:0"))

    async def act(on: Stage) -> None:
        await active(on, "web", "other")
        on.arbiter.restart(names)
        await on.wait(lambda: on.arbiter.status("web") is WatcherState.STOPPING, "the restart's stop")
        spawned = len(on.of(ProcessSpawned, "web"))
        await quit_now(on)
        assert len(on.of(ProcessSpawned, "web")) == spawned

    play(stack_of(slow, other), tmp_path, act)


def test_a_restart_does_not_undo_a_stop(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await active(on)
        restarting = on.arbiter.restart(["web"])
        await on.wait(lambda: on.arbiter.status("web") is WatcherState.STOPPING, "the restart's stop")
        await on.arbiter.stop(["web"])
        with pytest.raises(CommandError, match="overtaken"):
            await restarting
        assert on.arbiter.status("web") is WatcherState.STOPPED

    play(stack_of(web(cmd=python(SLOW_TO_GO))), tmp_path, act)


def test_queued_reloads_fall_away_at_a_stop(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await active(on)
        reloads = [on.arbiter.reload(["web"]) for _ in range(5)]
        await on.wait(lambda: len(on.of(ProcessSpawned)) == 2, "the first reload")
        await on.arbiter.stop(["web"])
        results = await asyncio.gather(*reloads, return_exceptions=True)
        assert all(isinstance(result, CircusStackError) for result in results)
        assert len(on.of(ProcessSpawned)) == 2

    play(stack_of(web(cmd=python(NOTIFY + SLEEP))), tmp_path, act)


def test_a_reload_mends_a_watcher_that_never_came_up(tmp_path: Path) -> None:
    stack = stack_of(never_ready())

    async def act(on: Stage) -> None:
        await on.wait(lambda: on.of(ProcessSpawned), "the spawn")
        await on.arbiter.apply(dataclasses.replace(stack, watchers=(web(),)), roll=False)
        assert on.arbiter.status("web") is WatcherState.ACTIVE
        assert len(on.pids("web")) == 1

    play(stack, tmp_path, act)


def test_a_reload_frees_a_watcher_from_a_dependency_that_failed(tmp_path: Path) -> None:
    broken = WatcherConfig(name="redis", cmd="false", max_failures=2, singleton=True)
    stack = stack_of(web(depends_on=("redis",)), broken)

    async def act(on: Stage) -> None:
        await on.wait(lambda: on.of(WatcherFailed), "redis to be given up")
        assert on.arbiter.status("web") is WatcherState.STARTING
        await on.arbiter.apply(dataclasses.replace(stack, watchers=(web(), broken)), roll=False)
        await active(on)

    play(stack, tmp_path, act)


def test_a_broken_watcher_can_be_resized_and_killed(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await on.wait(lambda: len(on.pids("web")) == 2, "the spawns")
        resizing = on.arbiter.set_wanted("web", 1)
        await on.wait(lambda: len(on.pids("web")) == 1, "one to go")
        assert on.arbiter.wanted("web") == 1
        [pid] = on.pids("web")
        await on.arbiter.kill("web", pid)
        resizing.cancel()

    play(stack_of(never_ready(numprocesses=2)), tmp_path, act)


def test_a_reload_of_what_fails_meanwhile_ends(tmp_path: Path) -> None:
    stack = stack_of(web(cmd="false", max_failures=4))

    async def act(on: Stage) -> None:
        await on.wait(lambda: on.of(ProcessSpawned), "the first try")
        applies = [on.arbiter.apply(stack, roll=True) for _ in range(3)]
        await on.wait(lambda: all(task.done() for task in applies), "the reloads to end")
        results = await asyncio.gather(*applies, return_exceptions=True)
        assert isinstance(results[0], CircusStackError)
        await on.wait(lambda: on.arbiter.status("web") is WatcherState.FAILED, "it to be given up")

    play(stack, tmp_path, act)


def test_a_stop_after_the_point_of_no_return_ends_the_wait_only(tmp_path: Path) -> None:
    old_port, new_port = free_port(), free_port()
    goner = WatcherConfig(name="goner", cmd="sleep 600")
    stack = stack_of(
        web(cmd=python(SLOW_TO_GO)), goner, sockets=(SocketConfig(name="web", host="127.0.0.1", port=old_port),)
    )
    new = dataclasses.replace(
        stack,
        watchers=stack.watchers[:1],
        sockets=(SocketConfig(name="web", host="127.0.0.1", port=new_port),),
    )

    async def act(on: Stage) -> None:
        await active(on, "web", "goner")
        applying = on.arbiter.apply(new, roll=False)
        await on.wait(lambda: on.of(ConfigApplied), "the new configuration to be in force")
        await on.arbiter.stop(["web"])
        await applying
        assert on.arbiter.names() == ("web",)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", old_port), timeout=5)
        assert descendants() == []

    play(stack, tmp_path, act)


def test_a_removed_watcher_cannot_be_started_again(tmp_path: Path) -> None:
    goner = WatcherConfig(name="goner", cmd=python(SLOW_TO_GO), ready=READY)
    stack = stack_of(web(), goner)

    async def act(on: Stage) -> None:
        await active(on, "web", "goner")
        [pid] = on.pids("goner")
        applying = on.arbiter.apply(dataclasses.replace(stack, watchers=stack.watchers[:1]), roll=False)
        await on.wait(lambda: on.of(ConfigApplied), "the new configuration to be in force")
        with pytest.raises(UnknownWatcherError):
            on.arbiter.start(["goner"])
        await applying
        assert not psutil.pid_exists(pid)

    play(stack, tmp_path, act)


def test_a_one_shot_can_be_started_again(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        for times in (1, 2):
            await on.arbiter.start(["once"])
            await on.wait(lambda: on.arbiter.status("once") is WatcherState.STOPPED, "its end")
            assert len(on.of(ProcessSpawned)) == times

    play(stack_of(WatcherConfig(name="once", cmd="true", respawn=False, autostart=False)), tmp_path, act)


@pytest.mark.parametrize("seed", range(6))
def test_any_sequence_of_operations_ends_with_a_quit(tmp_path: Path, seed: int) -> None:
    stack = stack_of(
        web(numprocesses=2),
        never_ready_named("stuck"),
        WatcherConfig(name="crashing", cmd="false", max_failures=3),
        WatcherConfig(name="redis", cmd="sleep 600", singleton=True),
    )
    choose = random.Random(seed)

    def one(on: Stage) -> object:
        name = choose.choice(["web", "stuck", "crashing", "redis"])
        changed = dataclasses.replace(stack, watchers=tuple(choose.sample(stack.watchers, 3)))
        actions = [
            lambda: on.arbiter.start([name]),
            lambda: on.arbiter.stop([name]),
            lambda: on.arbiter.restart([name]),
            lambda: on.arbiter.restart(),
            lambda: on.arbiter.reload([name]),
            lambda: on.arbiter.set_wanted(name, choose.randrange(2)),
            lambda: on.arbiter.kill(name),
            lambda: on.arbiter.apply(changed, roll=choose.random() < 0.5),
            lambda: on.arbiter.apply(stack, roll=True),
        ]
        return choose.choice(actions)()

    async def act(on: Stage) -> None:
        for _ in range(25):
            try:
                one(on)
            except CircusStackError:
                continue  # A name that a change of the configuration has just removed.
            await asyncio.sleep(choose.random() * 0.05)
        await quit_now(on)

    play(stack, tmp_path, act)


def never_ready_named(name: str) -> WatcherConfig:
    return dataclasses.replace(never_ready(), name=name)
