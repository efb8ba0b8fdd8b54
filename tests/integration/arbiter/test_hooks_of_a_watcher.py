"""Every hook on real processes: its order, its refusal, its failure, its time, and a stop in the middle of each."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from circus_stack.arbiter import hooks
from circus_stack.config.schema import SocketConfig, WatcherConfig
from circus_stack.config.values import HookConfig, Readiness, ReadinessForm
from circus_stack.errors import CommandError, ReloadError
from circus_stack.events import (
    HookFailed,
    HookSucceeded,
    ProcessKilled,
    ProcessReaped,
    ProcessSpawned,
    WatcherStarted,
    WatcherStopped,
)
from circus_stack.states import WatcherState
from circus_stack.system.descent import descendants
from tests.integration.arbiter import sample_hooks
from tests.integration.arbiter.sample_hooks import declared
from tests.integration.arbiter.stage import NOTIFY, SLEEP, Stage, play, python, stack_of

READY = Readiness(ReadinessForm.NOTIFY)
START = ["before_start", "before_spawn", "after_spawn", "after_start"]
STOP = ["before_stop", "before_signal", "after_signal", "before_reap", "after_reap", "after_stop"]


@pytest.fixture(autouse=True)
def _recorded(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(hooks, "_OVERTAKEN_S", 0.1)
    with sample_hooks.recording():
        yield


def web(chosen: dict[str, HookConfig], **options: object) -> WatcherConfig:
    values: dict[str, object] = {"cmd": "sleep 600", "autostart": False, "extra": {"flavour": "plain"}, **options}
    return WatcherConfig(name="web", hooks=chosen, **values)  # type: ignore[arg-type]


def failures(on: Stage) -> list[tuple[str, str]]:
    return [(each.name, each.error) for each in on.of(HookFailed)]


def test_the_order_is_that_of_circus(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await on.arbiter.start(["web"])
        assert sample_hooks.names() == START[:3] + START[1:]
        await on.arbiter.stop(["web"])
        ended = STOP[:1] + STOP[1:3] * 2 + STOP[3:5] * 2 + STOP[5:]
        assert sample_hooks.names()[6:] == ended
        assert [each.name for each in on.of(HookSucceeded)] == sample_hooks.names()
        assert failures(on) == []

    play(stack_of(web(declared(), numprocesses=2)), tmp_path, act)


def test_hooks_are_told_what_circus_tells_them(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await on.arbiter.start(["web"])
        [pid] = on.pids("web")
        await on.arbiter.stop(["web"])
        told = dict(sample_hooks.calls)
        assert told["before_start"] == told["before_spawn"] == told["after_stop"] == {}
        assert told["after_spawn"] == {"pid": pid}
        assert told["before_signal"] == told["after_signal"] == {"pid": pid, "signum": signal.SIGTERM}
        assert set(told["before_reap"]) == {"process_pid", "time"}
        reaped = told["after_reap"]
        assert (reaped["process_pid"], reaped["exit_code"]) == (pid, -signal.SIGTERM)
        assert set(reaped) == {"process_pid", "time", "exit_code", "process_status"}

    play(stack_of(web(declared())), tmp_path, act)


def test_a_hook_sees_its_watcher_and_the_others(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await on.arbiter.start(["web"])
        [(_, seen)] = sample_hooks.calls
        pids = on.pids("web")
        assert seen == {
            "name": "web", "cmd": "sleep 600", "env": {"A": "1"}, "numprocesses": 2, "singleton": False,
            "status": "starting", "pids": pids, "ages": [True, True], "others": ["other", "web"], "same": pids,
            "free": "plain", "delay": 5.0, "options": 3,
        }  # fmt: skip

    config = web(declared(None, after_start="look"), numprocesses=2, priority=3, env={"A": "1"})
    play(stack_of(config, WatcherConfig(name="other", cmd="sleep 600", autostart=False)), tmp_path, act)


def test_before_reap_still_sees_the_process(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await on.arbiter.start(["web"])
        [pid] = on.pids("web")
        await on.arbiter.kill("web", pid, signal.SIGKILL)
        await on.wait(lambda: len(on.of(ProcessSpawned)) == 2, "the successor")
        assert sample_hooks.calls == [("before_reap", {"state": "Z"})]
        assert not psutil.pid_exists(pid)

    play(stack_of(web(declared(None, before_reap="zombie"))), tmp_path, act)


def test_what_strays_to_us_is_reaped_while_a_zombie_is_held(tmp_path: Path) -> None:
    # The shell's child outlives it in the same group: it is reaped by us, and only then the other watcher is stopped.
    other = WatcherConfig(name="other", cmd="sh -c 'sleep 600 & exec sleep 600'")

    async def act(on: Stage) -> None:
        await on.arbiter.start(["web", "other"])
        [pid], [leader] = on.pids("web"), on.pids("other")
        await on.wait(lambda: psutil.Process(leader).children(), "the shell's child")
        on.arbiter.kill("web", pid, signal.SIGKILL)
        await on.wait(lambda: sample_hooks.names() == ["before_reap"], "the hook")
        await on.arbiter.stop(["other"])
        assert psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        sample_hooks.let_go()

    play(stack_of(web(declared(None, before_reap="hang"), graceful_timeout=600.0), other), tmp_path, act)


def test_a_hook_may_run_programs(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await on.arbiter.start(["web"])
        assert sample_hooks.calls == [("before_start", {"status": 7})]
        await on.arbiter.stop(["web"])
        assert descendants() == []

    play(stack_of(web(declared(None, before_start="run_program"))), tmp_path, act)


def test_extended_stats_adds_to_the_figures(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await on.arbiter.start(["web"])
        [pid] = on.pids("web")
        assert await on.arbiter.extend_stats("web", pid, {"cpu": 1}) == {"cpu": 1, "requests": 42}

    play(stack_of(web(declared(None, extended_stats="measure"))), tmp_path, act)


def test_extended_stats_that_hang_hold_nobody_up(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await on.arbiter.start(["web"])
        [pid] = on.pids("web")
        asking = asyncio.ensure_future(on.arbiter.extend_stats("web", pid, {"cpu": 1}))
        await on.wait(lambda: sample_hooks.names() == ["extended_stats"], "the hook")
        await on.arbiter.set_wanted("web", 2)
        await on.arbiter.stop(["web"])
        assert await asking == {"cpu": 1}
        # One that hangs is not called into once more.
        assert await on.arbiter.extend_stats("web", pid, {"cpu": 2}) == {"cpu": 2}
        assert sample_hooks.names() == ["extended_stats"]
        assert len(failures(on)) == 2

    play(stack_of(web(declared(None, extended_stats="hang"), hook_timeout=1.0)), tmp_path, act)


# -- refusals and failures ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hook", "behaviour"),
    [*((hook, behaviour) for hook in START for behaviour in ("refuse", "fail", "hang")), ("before_start", "leave")],
)
def test_a_start_that_a_hook_refuses_comes_to_nothing(tmp_path: Path, hook: str, behaviour: str) -> None:
    async def act(on: Stage) -> None:
        with pytest.raises(CommandError, match=f"its hook {hook} refused"):
            await on.arbiter.start(["web"])
        await on.wait(lambda: on.arbiter.status("web") is WatcherState.STOPPED, "it to be down")
        assert descendants() == []
        assert on.of(WatcherStarted) == []
        assert len(on.of(WatcherStopped)) == (hook != "before_start")
        assert len(on.of(ProcessSpawned)) == (hook in ("after_spawn", "after_start"))
        assert [name for name, _ in failures(on)] == ([] if behaviour == "refuse" else [hook])

    play(stack_of(web(declared(**{hook: behaviour}), hook_timeout=0.8 if behaviour == "hang" else 30.0)), tmp_path, act)


@pytest.mark.parametrize("behaviour", ["fail", "hang"])
def test_failures_that_are_ignored_change_nothing(tmp_path: Path, behaviour: str) -> None:
    async def act(on: Stage) -> None:
        await on.arbiter.start(["web"])
        assert on.arbiter.status("web") is WatcherState.ACTIVE
        await on.arbiter.stop(["web"])
        assert sorted({name for name, _ in failures(on)}) == sorted(sample_hooks.ALL)
        assert [each.signum for each in on.of(ProcessKilled)] == [signal.SIGTERM]

    config = web(declared(behaviour, ignore=True), hook_timeout=0.2 if behaviour == "hang" else 30.0)
    play(stack_of(config), tmp_path, act)


@pytest.mark.parametrize("hook", START)
def test_a_start_on_demand_that_is_refused_is_not_tried_for_ever(tmp_path: Path, hook: str) -> None:
    config = web(declared(None, **{hook: "refuse"}), use_sockets=True, on_demand=True)
    place = SocketConfig(name="a", host="127.0.0.1", port=0)

    async def act(on: Stage) -> None:
        await on.arbiter.start(["web"])
        assert on.arbiter.is_armed("web")
        [view] = on.arbiter.sockets()
        with socket.create_connection((view.host, view.port), timeout=20):
            await on.wait(lambda: sample_hooks.names() == [hook], "the hook")
            await on.wait(lambda: on.arbiter.status("web") is WatcherState.STOPPED, "it to be down")
            assert not on.arbiter.is_armed("web")

    play(stack_of(config, sockets=(place,)), tmp_path, act)


def test_what_a_failure_says(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        with pytest.raises(CommandError):
            await on.arbiter.start(["web"])
        assert failures(on) == [("before_start", "boom")]

    play(stack_of(web(declared(before_start="fail"))), tmp_path, act)


@pytest.mark.parametrize("hook", ["before_stop", "after_signal", "before_reap", "after_reap", "after_stop"])
def test_what_the_hooks_of_an_end_say_is_ignored(tmp_path: Path, hook: str) -> None:
    async def act(on: Stage) -> None:
        await on.arbiter.start(["web"])
        await on.arbiter.stop(["web"])
        assert on.arbiter.status("web") is WatcherState.STOPPED
        assert [each.signum for each in on.of(ProcessKilled)] == [signal.SIGTERM]

    play(stack_of(web(declared(**{hook: "refuse"}))), tmp_path, act)


def test_a_signal_that_before_signal_refuses_is_not_sent_but_sigkill_is(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await on.arbiter.start(["web"])
        await on.arbiter.stop(["web"])
        assert [each.signum for each in on.of(ProcessKilled)] == [signal.SIGKILL]
        assert [each.exit_code for each in on.of(ProcessReaped)] == [-signal.SIGKILL]

    play(stack_of(web(declared(None, before_signal="refuse"), graceful_timeout=0.3)), tmp_path, act)


@pytest.mark.parametrize("behaviour", ["fail", "hang"])
def test_a_before_signal_that_fails_keeps_no_signal_back(tmp_path: Path, behaviour: str) -> None:
    async def act(on: Stage) -> None:
        await on.arbiter.start(["web"])
        await on.arbiter.stop(["web"])
        assert [each.signum for each in on.of(ProcessKilled)] == [signal.SIGTERM]
        assert sample_hooks.names() == ["before_signal", "after_signal"]

    config = web(declared(None, before_signal=behaviour, after_signal="agree"), hook_timeout=0.5)
    play(stack_of(config), tmp_path, act)


def test_a_before_signal_that_hangs_does_not_keep_sigkill_back(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await on.arbiter.start(["web"])
        await on.arbiter.stop(["web"])
        assert [each.exit_code for each in on.of(ProcessReaped)] == [-signal.SIGKILL]

    play(stack_of(web(declared(None, before_signal="hang"), graceful_timeout=0.3)), tmp_path, act)


def test_a_signal_by_command_is_asked_for_too(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await on.arbiter.start(["web"])
        [pid] = on.pids("web")
        on.arbiter.send_signal("web", None, signal.SIGCONT)
        await on.wait(lambda: len(sample_hooks.calls) == 2, "the hooks")
        details = {"pid": pid, "signum": signal.SIGCONT}
        assert sample_hooks.calls == [("before_signal", details), ("after_signal", details)]

    play(stack_of(web(declared(None, before_signal="agree", after_signal="agree"))), tmp_path, act)


def test_a_reload_whose_new_process_a_hook_refuses_keeps_the_old(tmp_path: Path) -> None:
    config = web(declared(None, after_spawn="agree"), cmd=python(NOTIFY + SLEEP), ready=READY, use_sockets=True)

    async def act(on: Stage) -> None:
        await on.arbiter.start(["web"])
        old = on.pids("web")
        refusing = web(declared(None, after_spawn="refuse"), cmd=config.cmd, ready=READY, use_sockets=True)
        await on.arbiter.set_config("web", refusing)
        with pytest.raises(ReloadError, match="its hook after_spawn refused"):
            await on.arbiter.reload(["web"])
        assert on.pids("web") == old

    play(stack_of(config), tmp_path, act)


# -- a stop, and the end, in the middle of each -------------------------------------------------------------------


@pytest.mark.parametrize("hook", START)
def test_a_stop_waits_for_no_hook_of_a_start(tmp_path: Path, hook: str) -> None:
    async def act(on: Stage) -> None:
        starting = on.arbiter.start(["web"])
        await on.wait(lambda: hook in sample_hooks.names(), f"the hook {hook}")
        await on.arbiter.stop(["web"])
        with pytest.raises(CommandError, match="overtaken"):
            await starting
        assert on.arbiter.status("web") is WatcherState.STOPPED
        assert descendants() == []

    play(stack_of(web(declared(**{hook: "hang"}), hook_timeout=600.0)), tmp_path, act)


@pytest.mark.parametrize("hook", STOP)
def test_a_stop_comes_to_its_end_whatever_hangs(tmp_path: Path, hook: str) -> None:
    async def act(on: Stage) -> None:
        await on.arbiter.start(["web"])
        await on.arbiter.stop(["web"])
        assert on.arbiter.status("web") is WatcherState.STOPPED
        assert descendants() == []
        # Once for each process, or not at all where the first of them still hangs.
        assert sample_hooks.names().count(hook) == 1

    config = web(declared(**{hook: "hang"}), hook_timeout=0.8, graceful_timeout=2.0, numprocesses=3)
    play(stack_of(config), tmp_path, act)


@pytest.mark.parametrize("hook", [*START, *STOP])
def test_killing_everything_waits_for_no_hook(tmp_path: Path, hook: str) -> None:
    async def act(on: Stage) -> None:
        on.arbiter.start(["web"])
        if hook in STOP:
            await on.wait(lambda: on.arbiter.status("web") is WatcherState.ACTIVE, "it to come up")
            on.arbiter.request_quit()
        await on.wait(lambda: hook in sample_hooks.names(), f"the hook {hook}")
        on.arbiter.request_quit()
        on.arbiter.kill_everything()
        assert on.run is not None
        await on.run
        assert descendants() == []

    play(stack_of(web(declared(**{hook: "hang"}), hook_timeout=600.0, graceful_timeout=600.0)), tmp_path, act)


def test_a_hook_that_hangs_delays_no_other_watcher(tmp_path: Path) -> None:
    other = WatcherConfig(name="other", cmd="sleep 600", autostart=False)

    async def act(on: Stage) -> None:
        on.arbiter.start(["web"])
        await on.wait(lambda: sample_hooks.names() == ["before_start"], "the hook")
        await on.arbiter.start(["other"])
        await on.arbiter.restart(["other"])
        await on.arbiter.stop(["other"])
        assert on.arbiter.status("web") is WatcherState.STARTING

    play(stack_of(web(declared(None, before_start="hang")), other), tmp_path, act)
