"""A watcher that never comes up can be mended: what waits for it keeps no other change from its turn."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

import psutil
import pytest

from circus_stack.config.kinds import parse_readiness
from circus_stack.config.schema import WatcherConfig
from circus_stack.config.values import Readiness, ReadinessForm, ReloadMode
from circus_stack.errors import CommandError, ReloadError
from circus_stack.events import ProcessReaped, ProcessSpawned, WatcherUpdated
from circus_stack.states import WatcherState
from tests.integration.arbiter.stage import NOTIFY, SLEEP, Stage, play, python, stack_of

GOOD = python(NOTIFY + SLEEP)
READY = Readiness(ReadinessForm.NOTIFY)


def bad(**options: object) -> WatcherConfig:
    values: dict[str, object] = {"cmd": "false", "ready": READY, "name": "bad"}
    return WatcherConfig(**{**values, **options})  # type: ignore[arg-type]


async def failed_once(on: Stage) -> None:
    await on.wait(lambda: on.of(ProcessReaped, "bad"), "the first failure")


def test_what_never_comes_up_can_be_mended_while_a_resize_waits_for_it(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await failed_once(on)
        bigger = on.arbiter.set_config("bad", bad(numprocesses=2), seen=bad())
        await on.wait(lambda: on.arbiter.wanted("bad") == 2, "the resize to begin")
        await on.arbiter.set_config("bad", bad(cmd=GOOD), seen=bad())
        await bigger
        assert on.arbiter.status("bad") is WatcherState.ACTIVE
        assert len(on.pids("bad")) == 2

    play(stack_of(bad()), tmp_path, act)


@pytest.mark.parametrize("options", [{"singleton": True}, {"reload_mode": ReloadMode.RESTART}])
def test_what_never_comes_up_can_be_mended_while_a_restart_waits_for_it(
    tmp_path: Path, options: dict[str, object]
) -> None:
    old = bad(**options)

    async def act(on: Stage) -> None:
        await failed_once(on)
        spawned = len(on.of(ProcessSpawned))
        first = on.arbiter.set_config("bad", bad(cmd="false again", **options), seen=old)
        await on.wait(lambda: len(on.of(ProcessSpawned)) > spawned + 1, "the restart to fail")
        await on.arbiter.set_config("bad", bad(cmd=GOOD, **options), seen=old)
        with pytest.raises(CommandError, match="overtaken"):
            await first
        assert (on.arbiter.status("bad"), on.arbiter.config("bad").cmd) == (WatcherState.ACTIVE, GOOD)

    play(stack_of(old), tmp_path, act)


def test_the_configuration_changes_while_a_resize_waits(tmp_path: Path) -> None:
    stack = stack_of(bad())
    other = WatcherConfig(name="other", cmd="sleep 600")

    async def act(on: Stage) -> None:
        await failed_once(on)
        on.arbiter.set_config("bad", bad(numprocesses=2), seen=bad())
        await on.wait(lambda: on.arbiter.wanted("bad") == 2, "the resize to begin")
        await on.arbiter.apply(dataclasses.replace(stack, watchers=(bad(), other)), roll=False)
        await on.arbiter.remove_watcher("bad", stop=True)
        on.arbiter.add_watcher(dataclasses.replace(other, name="third"))
        assert on.arbiter.names() == ("other", "third")

    play(stack, tmp_path, act)


@pytest.mark.parametrize("depends_on", [(), ("bad",)])
def test_an_added_watcher_that_never_comes_up_is_taken_back(tmp_path: Path, depends_on: tuple[str, ...]) -> None:
    old = bad(cmd=GOOD) if not depends_on else bad()
    stack = stack_of(old)
    added = bad(name="added", cmd=GOOD if depends_on else "false", depends_on=depends_on)

    async def act(on: Stage) -> None:
        await on.wait(lambda: on.of(ProcessSpawned), "the start")
        with pytest.raises(ReloadError, match="does not come up: it fails again and again; nothing was changed"):
            await on.arbiter.apply(dataclasses.replace(stack, watchers=(old, added)), roll=False)
        assert on.arbiter.names() == ("bad",)
        on.arbiter.add_watcher(added)

    play(stack, tmp_path, act)


def test_a_service_whose_new_options_never_serve_goes_back(tmp_path: Path) -> None:
    old = bad(cmd=GOOD, singleton=True)

    async def act(on: Stage) -> None:
        await on.wait(lambda: on.arbiter.status("bad") is WatcherState.ACTIVE, "the start")
        broken = dataclasses.replace(old, cmd="false")
        with pytest.raises(ReloadError, match="fails again and again"):
            await on.arbiter.apply(dataclasses.replace(stack_of(old), watchers=(broken,)), roll=False)
        assert (on.arbiter.status("bad"), on.arbiter.config("bad")) == (WatcherState.ACTIVE, old)

    play(stack_of(old), tmp_path, act)


def test_a_number_that_changes_while_a_set_waits_for_its_turn_stays(tmp_path: Path) -> None:
    slow = bad(cmd="sleep 600", ready=parse_readiness("delay:1"))

    async def act(on: Stage) -> None:
        await on.wait(lambda: on.arbiter.status("bad") is WatcherState.ACTIVE, "the start")
        await asyncio.gather(
            on.arbiter.reload(["bad"]),
            on.arbiter.set_wanted("bad", 2),
            on.arbiter.set_config("bad", dataclasses.replace(slow, env={"A": "1"}), seen=slow),
        )
        assert (on.arbiter.wanted("bad"), len(on.pids("bad"))) == (2, 2)
        assert on.arbiter.config("bad") == dataclasses.replace(slow, numprocesses=2, env={"A": "1"})

    play(stack_of(slow), tmp_path, act)


def test_a_change_that_waited_behind_a_stop_is_kept_for_the_next_start(tmp_path: Path) -> None:
    good = bad(cmd=GOOD)

    async def act(on: Stage) -> None:
        await on.wait(lambda: on.arbiter.status("bad") is WatcherState.ACTIVE, "the start")
        on.arbiter.stop(["bad"])
        await asyncio.sleep(0)
        changed = dataclasses.replace(good, env={"A": "1"})
        await on.arbiter.set_config("bad", changed, seen=good)
        assert on.arbiter.config("bad") == changed
        assert len(on.of(WatcherUpdated)) == 1

    play(stack_of(good), tmp_path, act)


@pytest.mark.parametrize("is_queued", [False, True])
@pytest.mark.parametrize("overtaking", ["restart", "stop"])
def test_what_was_set_stays_where_its_reload_is_overtaken(tmp_path: Path, overtaking: str, is_queued: bool) -> None:
    slow = bad(cmd="sleep 600", ready=parse_readiness("delay:1"), numprocesses=2)
    changed = dataclasses.replace(slow, cmd="sleep 601")

    async def act(on: Stage) -> None:
        await on.wait(lambda: on.arbiter.status("bad") is WatcherState.ACTIVE, "the start")
        before = [on.arbiter.reload(["bad"])] if is_queued else []
        setting = on.arbiter.set_config("bad", changed, seen=slow)
        await on.wait(lambda: len(on.of(ProcessSpawned)) == 4, "the new generation")
        growing = on.arbiter.set_wanted("bad", 3)
        await (on.arbiter.restart(["bad"]) if overtaking == "restart" else on.arbiter.stop(["bad"]))
        results = await asyncio.gather(*before, setting, growing, return_exceptions=True)
        assert all("overtaken by a stop" in str(each) for each in results), results
        await on.arbiter.start(["bad"])
        assert on.arbiter.config("bad") == dataclasses.replace(changed, numprocesses=3)
        assert [psutil.Process(pid).cmdline() for pid in on.pids("bad")] == [["sleep", "601"]] * 3

    play(stack_of(slow), tmp_path, act)


def test_a_stop_ends_though_somebody_starts_again_what_it_waits_for(tmp_path: Path) -> None:
    first = bad(name="first", cmd=GOOD)
    slow_to_go = "import signal,sys,time;signal.signal(15,lambda *_:(time.sleep(0.5),sys.exit()));"
    second = bad(name="second", cmd=python(slow_to_go + NOTIFY + SLEEP), depends_on=("first",))

    async def act(on: Stage) -> None:
        await on.wait(lambda: on.arbiter.status("second") is WatcherState.ACTIVE, "the start")
        stopped = on.arbiter.stop(["first", "second"])
        await on.wait(lambda: on.arbiter.status("second") is WatcherState.STOPPING, "the stop of the second")
        # Queued behind the stop, it has the turn as soon as the second is down.
        on.arbiter.start(["second"])
        async with asyncio.timeout(20):
            await stopped
        assert on.arbiter.status("first") is WatcherState.STOPPED

    play(stack_of(first, second), tmp_path, act)


def test_a_failed_start_names_each_watcher_that_did_not_come_up(tmp_path: Path) -> None:
    broken = [bad(name=name, max_failures=1, autostart=False) for name in ("one", "two")]

    async def act(on: Stage) -> None:
        with pytest.raises(CommandError, match=r"one did not come up.*; two did not come up"):
            await on.arbiter.start(["one", "two"])

    play(stack_of(*broken), tmp_path, act)
