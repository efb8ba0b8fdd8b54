"""What happens to a watcher in its life beside start and stop: demand, age, one by one, flapping, words of its own."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import os
import signal
import socket
from pathlib import Path

import psutil
import pytest

from circus_stack.arbiter import ages
from circus_stack.config.schema import SocketConfig, WatcherConfig
from circus_stack.config.values import HookConfig, Readiness, ReadinessForm, ReloadMode
from circus_stack.errors import CommandError, ReloadError
from circus_stack.events import (
    ProcessKilled,
    ProcessReady,
    ProcessReaped,
    ProcessSpawned,
    ProcessUnready,
    ReloadFailed,
    ReloadProgressed,
    RespawnDelayed,
    SpawnFailed,
    WatcherFailed,
    WatcherFlapping,
    WatcherReloaded,
    WatcherStarted,
    WatcherStopped,
)
from circus_stack.states import WatcherState
from circus_stack.system.descent import descendants
from tests.integration.arbiter.stage import NOTIFY, SLEEP, Stage, play, python, stack_of

READY = Readiness(ReadinessForm.NOTIFY)
SAY = (
    "import os,socket,signal;n=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM);"
    "say=lambda t:n.sendto(t,os.environ['NOTIFY_SOCKET'].replace('@','\\0',1));"
)
# Answers each connection at the first socket with its pid; ends by itself after `SERVES` of them.
SERVER = (
    "import os,socket,sys;s=socket.socket(fileno=int(sys.argv[1]));s.setblocking(True);" + NOTIFY + "\n"
    "for _ in range(int(sys.argv[2])):\n c,_a=s.accept();c.sendall(str(os.getpid()).encode());c.close()\n"
)


def web(**options: object) -> WatcherConfig:
    values: dict[str, object] = {"cmd": python(NOTIFY + SLEEP), "ready": READY, "use_sockets": True, **options}
    return WatcherConfig(name="web", **values)  # type: ignore[arg-type]


def server(name: str, place: str, serves: int, **options: object) -> WatcherConfig:
    args = f"$(circus.sockets.{place}) {serves}"
    values: dict[str, object] = {"ready": READY, "use_sockets": True, "on_demand": True, **options}
    return WatcherConfig(name=name, cmd=python(SERVER), args=args, **values)  # type: ignore[arg-type]


def place(name: str) -> SocketConfig:
    return SocketConfig(name=name, host="127.0.0.1", port=0)


async def ask(on: Stage, name: str) -> int:
    """The pid that answers at a socket."""
    [view] = [each for each in on.arbiter.sockets() if each.name == name]
    reader, writer = await asyncio.open_connection(view.host, view.port)
    answer = await reader.read()
    writer.close()
    return int(answer)


async def active(on: Stage, name: str = "web") -> None:
    await on.wait(lambda: on.arbiter.status(name) is WatcherState.ACTIVE, f"{name} to come up")


# -- on demand ----------------------------------------------------------------------------------------------------


def test_only_the_watcher_whose_socket_was_touched_wakes_up(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await on.wait(lambda: on.arbiter.is_armed("one") and on.arbiter.is_armed("two"), "both to wait")
        assert set(on.arbiter.statuses().values()) == {WatcherState.STOPPED}
        pid = await ask(on, "b")
        assert on.pids("two") == [pid]
        assert not on.arbiter.is_armed("two")
        assert on.arbiter.status("one") is WatcherState.STOPPED
        assert on.arbiter.is_armed("one")
        assert on.of(ProcessSpawned, "one") == []

    stack = stack_of(server("one", "a", 9), server("two", "b", 9), sockets=(place("a"), place("b")))
    play(stack, tmp_path, act)


def test_two_watchers_may_wait_for_one_socket(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await on.wait(lambda: on.arbiter.is_armed("one") and on.arbiter.is_armed("two"), "both to wait")
        await ask(on, "a")
        await active(on, "one")
        await active(on, "two")

    play(stack_of(server("one", "a", 9), server("two", "a", 9), sockets=(place("a"),)), tmp_path, act)


def test_one_that_ends_when_it_is_idle_waits_for_the_next(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await on.wait(lambda: on.arbiter.is_armed("one"), "it to wait")
        for times in range(1, 6):
            await ask(on, "a")
            await on.wait(lambda: on.arbiter.is_armed("one"), "it to wait again")
            assert len(on.of(ProcessSpawned)) == len(on.of(WatcherStopped)) == times
        # However short each of them lived: it left nobody waiting.
        assert on.of(RespawnDelayed) == []

    play(stack_of(server("one", "a", 1), sockets=(place("a"),)), tmp_path, act)


def test_one_that_leaves_its_connection_alone_is_not_started_without_a_pause(tmp_path: Path) -> None:
    idle = WatcherConfig(name="idle", cmd="true", use_sockets=True, on_demand=True, max_failures=4)

    async def act(on: Stage) -> None:
        await on.wait(lambda: on.arbiter.is_armed("idle"), "it to wait")
        [view] = on.arbiter.sockets()
        with socket.create_connection((view.host, view.port), timeout=20):
            await on.wait(lambda: on.of(WatcherFailed), "it to be given up")
        assert len(on.of(ProcessSpawned)) == 4
        assert not on.arbiter.is_armed("idle")

    play(stack_of(idle, sockets=(place("a"),)), tmp_path, act)


def test_what_an_operator_stopped_is_not_woken(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await on.wait(lambda: on.arbiter.is_armed("one"), "it to wait")
        await ask(on, "a")
        await on.arbiter.stop(["one"])
        assert not on.arbiter.is_armed("one")
        [view] = on.arbiter.sockets()
        with socket.create_connection((view.host, view.port), timeout=20):
            await on.arbiter.start(["other"])
            assert on.arbiter.status("one") is WatcherState.STOPPED
            await on.arbiter.start(["one"])
            await active(on, "one")

    other = WatcherConfig(name="other", cmd="sleep 600", autostart=False)
    play(stack_of(server("one", "a", 9), other, sockets=(place("a"),)), tmp_path, act)


def test_without_a_socket_there_is_nothing_to_wait_for(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await active(on)

    play(stack_of(WatcherConfig(name="web", cmd="sleep 600", on_demand=True)), tmp_path, act)


def test_a_crash_on_demand_is_answered_like_any_other(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await on.wait(lambda: on.arbiter.is_armed("one"), "it to wait")
        pid = await ask(on, "a")
        os.kill(pid, signal.SIGKILL)
        await on.wait(lambda: len(on.of(ProcessReady)) == 2, "its successor")
        assert await ask(on, "a") != pid

    play(stack_of(server("one", "a", 9), sockets=(place("a"),)), tmp_path, act)


# -- age ----------------------------------------------------------------------------------------------------------


def test_what_is_too_old_goes_when_its_successor_serves(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await active(on)
        [old] = on.pids("web")
        await on.wait(lambda: on.of(ProcessReaped), "the old one to go")
        kinds = [type(each) for each in on.events if isinstance(each, (ProcessSpawned, ProcessReady, ProcessKilled))]
        assert kinds[:5] == [ProcessSpawned, ProcessReady, ProcessSpawned, ProcessReady, ProcessKilled]
        assert on.of(ProcessReaped)[0].process_pid == old
        assert on.arbiter.status("web") is WatcherState.ACTIVE

    play(stack_of(web(max_age=0.3, max_age_variance=0.0)), tmp_path, act)


def test_a_service_that_is_too_old_ends_first(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await active(on)
        await on.wait(lambda: len(on.of(ProcessReady)) == 2, "the successor")
        kinds = [type(each) for each in on.events if isinstance(each, (ProcessSpawned, ProcessReaped))]
        assert kinds[:3] == [ProcessSpawned, ProcessReaped, ProcessSpawned]

    config = web(max_age=0.3, max_age_variance=0.0, singleton=True, use_sockets=False)
    play(stack_of(config), tmp_path, act)


def test_all_that_are_too_old_go_one_after_the_other(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await active(on)
        first = set(on.pids("web"))
        await on.wait(lambda: first.isdisjoint(on.pids("web")) and len(on.pids("web")) >= 3, "all to be replaced")
        alive = most = 0
        for event in on.events:
            alive += isinstance(event, ProcessSpawned) - isinstance(event, ProcessKilled)
            most = max(most, alive)
        assert most == 4

    play(stack_of(web(max_age=0.5, max_age_variance=0.1, numprocesses=3)), tmp_path, act)


def test_an_old_one_serves_on_where_no_successor_would(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ages, "RETRY_S", 600.0)
    flag = tmp_path / "broken"
    code = f"import os,sys;os.path.exists({str(flag)!r}) and sys.exit(3);" + NOTIFY + SLEEP

    async def act(on: Stage) -> None:
        await active(on)
        flag.touch()
        [old] = on.pids("web")
        await on.wait(lambda: len(on.of(ProcessReaped)) == 1, "the successor to fail")
        await on.arbiter.set_wanted("web", 1)
        assert on.pids("web") == [old]
        assert on.arbiter.status("web") is WatcherState.ACTIVE

    config = web(cmd=python(code), max_age=1.0, max_age_variance=0.0, max_failures=2)
    play(stack_of(config), tmp_path, act)


# -- reloads ------------------------------------------------------------------------------------------------------


def test_one_by_one_each_is_gone_before_the_next_comes(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await active(on)
        old = on.pids("web")
        begun = len(on.events)
        outcome = await on.arbiter.reload(["web"], sequential=True)
        assert sorted(outcome.stopped) == old
        told = (ProcessKilled, ProcessReaped, ProcessSpawned, ProcessReady, WatcherReloaded)
        kinds = [type(each) for each in on.events[begun:] if isinstance(each, told)]
        assert kinds == [*told[:4] * 2, WatcherReloaded]
        assert [(each.done, each.total, each.phase) for each in on.of(ReloadProgressed)] == [
            (0, 2, "replacing"), (1, 2, "replacing"), (2, 2, "replacing"),
        ]  # fmt: skip

    play(stack_of(web(numprocesses=2)), tmp_path, act)


def test_one_by_one_ends_at_the_first_that_does_not_serve(tmp_path: Path) -> None:
    flag = tmp_path / "broken"
    code = f"import os,sys;os.path.exists({str(flag)!r}) and sys.exit(3);" + NOTIFY + SLEEP

    async def act(on: Stage) -> None:
        await active(on)
        old = on.pids("web")
        flag.touch()
        with pytest.raises(ReloadError, match="what was not replaced yet serves on"):
            await on.arbiter.reload(["web"], sequential=True)
        assert len(set(old) & set(on.pids("web"))) == 2
        assert len(on.of(ReloadFailed)) == 1
        flag.unlink()
        await on.wait(lambda: len(on.pids("web")) == 3, "the third to come back")

    play(stack_of(web(cmd=python(code), numprocesses=3)), tmp_path, act)


def test_a_stop_overtakes_one_by_one(tmp_path: Path) -> None:
    slow = "import signal,time;signal.signal(15,lambda *_:(time.sleep(.5),os._exit(0)));"

    async def act(on: Stage) -> None:
        await active(on)
        reloading = on.arbiter.reload(["web"], sequential=True)
        await on.wait(lambda: on.of(ProcessKilled), "the first to be asked to go")
        await on.arbiter.stop(["web"])
        with pytest.raises(ReloadError, match="overtaken"):
            await reloading
        assert descendants() == []

    play(stack_of(web(cmd=python("import os;" + slow + NOTIFY + SLEEP), numprocesses=2)), tmp_path, act)


def test_a_rolling_reload_tells_how_far_it_is(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await active(on)
        await on.arbiter.reload(["web"])
        told = [(each.phase, each.done, each.total) for each in on.of(ReloadProgressed)]
        assert (told[0], told[-1]) == (("starting", 0, 2), ("retiring", 2, 2))
        assert ("starting", 2, 2) in told
        assert on.events[-1] == on.of(WatcherReloaded)[-1]

    play(stack_of(web(numprocesses=2)), tmp_path, act)


@pytest.mark.parametrize("options", [{"send_hup": True}, {"reload_mode": ReloadMode.HUP}])
def test_send_hup_is_a_reload_by_hup(tmp_path: Path, options: dict[str, object]) -> None:
    heard = tmp_path / "heard"
    code = f"import signal;signal.signal(1,lambda *_: open({str(heard)!r},'w').close());" + NOTIFY

    async def act(on: Stage) -> None:
        await active(on)
        old = on.pids("web")
        await on.arbiter.reload(["web"])
        await on.wait(heard.exists, "the process to hear SIGHUP")
        assert on.pids("web") == old
        assert len(on.of(WatcherReloaded)) == 1
        assert on.of(ProcessKilled) == []

    play(stack_of(web(cmd=python(code + "\nwhile True: signal.pause()"), **options)), tmp_path, act)


def test_a_reload_by_name_starts_what_is_down(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        outcome = await on.arbiter.reload(["web"])
        assert outcome.started == tuple(on.pids("web"))
        await on.arbiter.stop(["web"])
        await on.arbiter.reload()
        assert on.arbiter.status("web") is WatcherState.STOPPED

    play(stack_of(web(autostart=False)), tmp_path, act)


# -- pauses -------------------------------------------------------------------------------------------------------


def test_processes_and_watchers_start_with_a_pause_between_them(tmp_path: Path) -> None:
    stack = stack_of(
        WatcherConfig(name="one", cmd="sleep 600", numprocesses=2, warmup_delay=0.2),
        WatcherConfig(name="two", cmd="sleep 600"),
        WatcherConfig(name="three", cmd="sleep 600"),
    )
    stack = dataclasses.replace(stack, circus=dataclasses.replace(stack.circus, warmup_delay=0.2))

    async def act(on: Stage) -> None:
        for name in on.arbiter.names():
            await active(on, name)
        # The clock of the events is not that of the pauses: a little less than the pause may lie between two of them.
        times = [each.time for each in on.of(ProcessSpawned, "one")]
        assert times[1] - times[0] > 0.15
        first = sorted(on.of(ProcessSpawned, name)[0].time for name in on.arbiter.names())
        assert all(later - earlier > 0.15 for earlier, later in itertools.pairwise(first))

    play(stack, tmp_path, act)


# -- words and failures -------------------------------------------------------------------------------------------


def test_a_process_says_that_it_reloads_and_that_it_stops(tmp_path: Path) -> None:
    code = SAY + (
        "signal.signal(1,lambda *_:(say(b'RELOADING=1'),say(b'READY=1')));"
        "signal.signal(10,lambda *_:(say(b'STOPPING=1'),os._exit(0)));say(b'READY=1')\n"
        "while True: signal.pause()"
    )

    async def act(on: Stage) -> None:
        await active(on)
        [pid] = on.pids("web")
        on.arbiter.send_signal("web", None, signal.SIGHUP)
        await on.wait(lambda: len(on.of(ProcessReady)) == 2, "it to be ready again")
        on.arbiter.send_signal("web", None, signal.SIGUSR1)
        await on.wait(lambda: len(on.of(ProcessReady)) == 3, "its successor")
        reasons = [(each.process_pid, each.reason) for each in on.of(ProcessUnready)]
        assert reasons == [(pid, "it says that it reloads"), (pid, "it says that it stops")]

    play(stack_of(web(cmd=python(code))), tmp_path, act)


def test_an_end_that_nobody_asked_for_is_told_as_unready(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await active(on)
        [pid] = on.pids("web")
        os.kill(pid, signal.SIGKILL)
        await on.wait(lambda: len(on.of(ProcessReady)) == 2, "a successor")
        [unready] = on.of(ProcessUnready)
        assert unready.process_pid == pid
        assert "SIGKILL" in unready.reason
        await on.arbiter.stop(["web"])
        assert len(on.of(ProcessUnready)) == 1

    play(stack_of(web()), tmp_path, act)


def test_flapping_is_told_once_and_ends_with_a_stop(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await on.wait(lambda: len(on.of(ProcessReaped)) == 5, "it to fail again and again")
        [flapping] = on.of(WatcherFlapping)
        assert flapping.failures == 3
        await on.arbiter.stop(["web"])
        spawned = len(on.of(ProcessSpawned))
        # Longer than the delay that the slot was in: what an operator stopped isn't started by a timer.
        await asyncio.sleep(1.0)
        assert len(on.of(ProcessSpawned)) == spawned
        assert on.arbiter.status("web") is WatcherState.STOPPED

    play(stack_of(web(cmd="false")), tmp_path, act)


def test_commands_that_cannot_be_executed_are_tried_so_often(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await on.wait(lambda: on.of(WatcherFailed), "the watcher to be given up")
        assert len(on.of(SpawnFailed)) == 3
        assert "given up after 3 failing spawns in a row (max_retry)" in on.of(WatcherFailed)[0].reason

    play(stack_of(web(cmd="no-such-program", max_retry=3)), tmp_path, act)


def test_no_process_at_all_is_up_at_once(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await active(on)
        assert len(on.of(WatcherStarted)) == 1
        assert on.pids("web") == []
        await on.arbiter.set_wanted("web", 1)
        assert len(on.pids("web")) == 1

    play(stack_of(web(numprocesses=0)), tmp_path, act)


# -- changes ------------------------------------------------------------------------------------------------------


def test_a_change_takes_the_way_that_its_options_need(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await active(on)
        old = on.pids("web")
        config = on.arbiter.config("web")
        assert (await on.arbiter.set_config("web", dataclasses.replace(config, graceful_timeout=5.0))).kept == tuple(
            old
        )
        config = on.arbiter.config("web")
        assert len((await on.arbiter.set_config("web", dataclasses.replace(config, numprocesses=2))).started) == 1
        config = on.arbiter.config("web")
        outcome = await on.arbiter.set_config("web", dataclasses.replace(config, env={"A": "1"}))
        assert (len(outcome.started), len(outcome.stopped)) == (2, 2)
        assert on.arbiter.config("web").env == {"A": "1"}

    play(stack_of(web()), tmp_path, act)


@pytest.mark.parametrize("singleton", [False, True])
def test_a_change_that_would_not_serve_is_taken_back(tmp_path: Path, singleton: bool) -> None:
    config = web(singleton=singleton, use_sockets=not singleton, max_failures=2)

    async def act(on: Stage) -> None:
        await active(on)
        old = on.pids("web")
        with pytest.raises(ReloadError):
            await on.arbiter.set_config("web", dataclasses.replace(config, cmd="false"))
        assert on.arbiter.config("web").cmd == config.cmd
        await active(on)
        assert singleton or on.pids("web") == old

    play(stack_of(config), tmp_path, act)


def test_a_hook_that_cannot_be_imported_is_refused(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        config = dataclasses.replace(on.arbiter.config("web"), hooks={"before_start": HookConfig("no_such.thing")})
        with pytest.raises(CommandError, match=r"hooks\.before_start: cannot import no_such"):
            await on.arbiter.set_config("web", config)
        assert on.arbiter.config("web").hooks == {}

    play(stack_of(web(autostart=False)), tmp_path, act)


def test_processes_that_are_released_live_on(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await active(on)
        [pid] = on.pids("web")
        process = psutil.Process(pid)
        await on.arbiter.remove_watcher("web", stop=False)
        assert process.is_running()
        assert on.of(ProcessKilled) == []
        process.kill()
        await on.wait(lambda: not process.is_running(), "it to be reaped")
        assert on.of(ProcessReaped) == []

    play(stack_of(web()), tmp_path, act)
