"""Supervision on real processes: start, death, stop, groups, order."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
from pathlib import Path

import psutil
import pytest

from circus_stack.arbiter import rolling
from circus_stack.config.kinds import parse_readiness
from circus_stack.config.schema import SocketConfig, WatcherConfig
from circus_stack.config.values import Readiness, ReadinessForm, ReloadMode
from circus_stack.errors import CommandError, ReloadError, UnknownWatcherError
from circus_stack.events import (
    ProcessKilled,
    ProcessReady,
    ProcessReaped,
    ProcessSpawned,
    ReadyTimedOut,
    ReloadFailed,
    SpawnFailed,
    WatcherFailed,
    WatcherReloaded,
    WatcherStarted,
    WatcherStopped,
)
from circus_stack.states import WatcherState
from tests.integration.arbiter.stage import NOTIFY, SLEEP, Stage, play, python, stack_of
from tests.support.ports import free_port

READY = Readiness(ReadinessForm.NOTIFY)


def sleeper(name: str = "web", **options: object) -> WatcherConfig:
    return WatcherConfig(name=name, cmd="sleep 600", **options)  # type: ignore[arg-type]


def notifier(name: str = "web", code: str = SLEEP, **options: object) -> WatcherConfig:
    return WatcherConfig(name=name, cmd=python(NOTIFY + code), ready=READY, **options)  # type: ignore[arg-type]


async def up(on: Stage, name: str = "web") -> None:
    await on.wait(lambda: on.arbiter.status(name) is WatcherState.ACTIVE, f"{name} to come up")


def test_all_processes_start_and_stop(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await up(on)
        pids = on.pids("web")
        assert len(pids) == 3
        await on.arbiter.stop(["web"])
        assert not any(psutil.pid_exists(pid) for pid in pids)
        assert on.arbiter.status("web") is WatcherState.STOPPED
        assert len(on.of(WatcherStarted)) == len(on.of(WatcherStopped)) == 1
        assert {each.exit_code for each in on.of(ProcessReaped)} == {-signal.SIGTERM}

    play(stack_of(sleeper(numprocesses=3)), tmp_path, act)


def test_a_killed_process_is_replaced_in_its_slot(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await up(on)
        victim = on.arbiter.processes("web")[0]
        os.kill(victim.pid, signal.SIGKILL)
        await on.wait(lambda: len(on.of(ProcessReady)) == 3, "a successor")
        assert on.of(ProcessSpawned)[-1].wid == victim.wid
        reaped = on.of(ProcessReaped)
        assert [(each.process_pid, each.exit_code, each.expected) for each in reaped] == [(victim.pid, -9, False)]
        assert on.arbiter.status("web") is WatcherState.ACTIVE

    play(stack_of(notifier(numprocesses=2)), tmp_path, act)


def test_ready_is_believed_from_a_descendant_only(tmp_path: Path) -> None:
    # The shell is our child, and Python, which says READY=1, is the shell's.
    script = shlex.quote(python(NOTIFY + SLEEP) + "; true")
    config = WatcherConfig(name="web", cmd=f"sh -c {script}", ready=READY)

    async def act(on: Stage) -> None:
        await up(on)
        on.arbiter.notified(os.getpid(), {"READY": "1"})
        assert len(on.of(ProcessReady)) == 1

    play(stack_of(config), tmp_path, act)


def test_what_ignores_the_stop_signal_is_killed_with_its_group(tmp_path: Path) -> None:
    code = (
        "import signal,subprocess;signal.signal(15,signal.SIG_IGN);subprocess.Popen(['sleep','600']);" + NOTIFY + SLEEP
    )

    async def act(on: Stage) -> None:
        await up(on)
        [pid] = on.pids("web")
        children = psutil.Process(pid).children()
        assert children
        await on.arbiter.stop(["web"])
        assert [each.signum for each in on.of(ProcessKilled)] == [signal.SIGTERM, signal.SIGKILL]
        assert not any(child.is_running() and child.status() != "zombie" for child in children)

    config = WatcherConfig(name="web", cmd=python(code), ready=READY, graceful_timeout=0.2)
    play(stack_of(config), tmp_path, act)


def test_a_group_that_outlives_its_leader_is_ended(tmp_path: Path) -> None:
    code = "import subprocess;subprocess.Popen(['sleep','600']);" + NOTIFY + SLEEP

    async def act(on: Stage) -> None:
        await up(on)
        [pid] = on.pids("web")
        [child] = psutil.Process(pid).children()
        await on.arbiter.stop(["web"])
        assert not child.is_running()

    play(stack_of(WatcherConfig(name="web", cmd=python(code), ready=READY)), tmp_path, act)


def test_a_command_that_does_not_exist_is_told_and_given_up(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await on.wait(lambda: on.of(WatcherFailed), "the watcher to be given up")
        assert "no such program on PATH" in on.of(SpawnFailed)[0].reason
        assert on.arbiter.status("web") is WatcherState.FAILED
        assert "given up after 3 failures" in on.of(WatcherFailed)[0].reason

    play(stack_of(WatcherConfig(name="web", cmd="no-such-program", max_failures=3)), tmp_path, act)


def test_a_crash_loop_is_slowed_down_and_given_up(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await on.wait(lambda: on.of(WatcherFailed), "the watcher to be given up")
        assert len(on.of(ProcessSpawned)) == 4
        assert "exited with status 7" in on.of(WatcherFailed)[0].reason
        with pytest.raises(CommandError, match="did not come up"):
            await on.arbiter.start(["web"])

    play(stack_of(WatcherConfig(name="web", cmd="sh -c 'exit 7'", max_failures=4, ready=READY)), tmp_path, act)


def test_a_process_that_is_never_ready_counts_as_failed(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await on.wait(lambda: on.of(WatcherFailed), "the watcher to be given up")
        assert on.of(ReadyTimedOut)[0].timeout_s == 0.1
        assert "not ready within 0.1 s" in on.of(WatcherFailed)[0].reason

    play(stack_of(sleeper(ready=READY, ready_timeout=0.1, max_failures=2)), tmp_path, act)


def test_dependencies_start_first_and_stop_last(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await up(on, "web")
        assert [each.watcher for each in on.of(WatcherStarted)] == ["base", "redis", "web"]
        on.arbiter.request_quit()
        assert on.run is not None
        await on.run
        assert [each.watcher for each in on.of(WatcherStopped)] == ["web", "redis", "base"]

    web = notifier("web", depends_on=("redis",))
    play(stack_of(web, notifier("redis", depends_on=("base",)), notifier("base")), tmp_path, act)


def test_a_start_brings_up_what_it_depends_on(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        assert set(on.arbiter.statuses().values()) == {WatcherState.STOPPED}
        await on.arbiter.start(["WEB"])
        assert set(on.arbiter.statuses().values()) == {WatcherState.ACTIVE}

    web = sleeper("web", depends_on=("redis",), autostart=False)
    play(stack_of(web, sleeper("redis", autostart=False)), tmp_path, act)


def test_a_quit_overtakes_a_start_that_waits(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await on.wait(lambda: on.of(ProcessSpawned), "the spawn")
        on.arbiter.request_quit()
        assert on.run is not None
        await on.run
        assert set(on.arbiter.statuses().values()) == {WatcherState.STOPPED}

    play(stack_of(sleeper("redis", ready=READY), sleeper("web", depends_on=("redis",))), tmp_path, act)


def test_a_stop_overtakes_a_start(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        starting = on.arbiter.start(["web"])
        await on.wait(lambda: on.of(ProcessSpawned), "the spawn")
        await on.arbiter.stop(["web"])
        with pytest.raises(CommandError, match="overtaken by a stop"):
            await starting
        assert on.arbiter.status("web") is WatcherState.STOPPED

    play(stack_of(sleeper(ready=READY, autostart=False)), tmp_path, act)


def test_a_watcher_that_is_slow_to_stop_delays_no_other(tmp_path: Path) -> None:
    stubborn = "import signal;signal.signal(15,signal.SIG_IGN);" + NOTIFY + SLEEP

    async def act(on: Stage) -> None:
        await up(on, "slow")
        await up(on, "web")
        stopping = on.arbiter.stop(["slow"])
        await on.arbiter.set_wanted("web", 2)
        assert on.arbiter.status("slow") is WatcherState.STOPPING
        assert len(on.pids("web")) == 2
        await stopping

    slow = WatcherConfig(name="slow", cmd=python(stubborn), ready=READY, graceful_timeout=1.5)
    play(stack_of(slow, sleeper()), tmp_path, act)


def test_workers_are_added_and_taken_away(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await up(on)
        grown = await on.arbiter.set_wanted("web", 4)
        assert (len(grown.started), len(grown.kept)) == (2, 2)
        shrunk = await on.arbiter.set_wanted("web", 1)
        assert len(shrunk.stopped) == 3
        assert len(on.pids("web")) == 1

    play(stack_of(notifier(numprocesses=2)), tmp_path, act)


def test_two_who_each_want_one_more_at_once_get_two(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await up(on)
        await asyncio.gather(*(on.arbiter.change_wanted("web", step) for step in (1, 1, 1, -1)))
        assert len(on.pids("web")) == 4
        await on.arbiter.change_wanted("web", -9)
        assert on.pids("web") == []

    play(stack_of(notifier(numprocesses=2)), tmp_path, act)


def test_a_singleton_stays_one(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await up(on)
        with pytest.raises(CommandError, match="singleton"):
            on.arbiter.set_wanted("web", 2)
        with pytest.raises(UnknownWatcherError):
            on.arbiter.status("nobody")

    play(stack_of(sleeper(singleton=True)), tmp_path, act)


def test_without_respawn_a_watcher_ends_with_its_processes(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await on.wait(lambda: on.of(WatcherStopped), "the end")
        assert len(on.of(ProcessSpawned)) == 2
        assert on.arbiter.status("web") is WatcherState.STOPPED

    play(stack_of(WatcherConfig(name="web", cmd="true", respawn=False, numprocesses=2)), tmp_path, act)


def test_an_expected_exit_code_ends_a_process_and_any_other_replaces_it(tmp_path: Path) -> None:
    """It fails at first, and is done the second time."""
    once = f"if [ -e {tmp_path}/tried ]; then exit 7; fi; touch {tmp_path}/tried; exit 1"

    async def act(on: Stage) -> None:
        await on.wait(lambda: on.of(WatcherStopped), "the end")
        assert [(each.exit_code, each.expected) for each in on.of(ProcessReaped)] == [(1, False), (7, True)]
        assert on.arbiter.status("web") is WatcherState.STOPPED

    play(stack_of(WatcherConfig(name="web", cmd=f"sh -c '{once}'", exit_codes=(0, 7))), tmp_path, act)


def test_a_kill_replaces_the_process(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await up(on)
        [pid] = on.pids("web")
        await on.arbiter.kill("web", pid, signal.SIGKILL)
        await on.wait(lambda: len(on.of(ProcessReady)) == 2, "a successor")
        assert on.of(ProcessReaped)[0].expected

    play(stack_of(notifier()), tmp_path, act)


def test_a_rolling_reload_replaces_all_without_a_gap(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await up(on)
        old = on.pids("web")
        outcome = await on.arbiter.reload(["web"])
        assert sorted(outcome.stopped) == old
        assert sorted(outcome.started) == on.pids("web")
        assert len(on.of(WatcherReloaded)) == 1
        ready = [i for i, each in enumerate(on.events) if isinstance(each, ProcessReady)]
        killed = [i for i, each in enumerate(on.events) if isinstance(each, ProcessKilled)]
        assert max(ready) < min(killed)

    play(stack_of(notifier(numprocesses=2, use_sockets=True)), tmp_path, act)


def test_a_reload_whose_new_processes_fail_keeps_the_old(tmp_path: Path) -> None:
    flag = tmp_path / "broken"
    code = f"import os,sys;os.path.exists({str(flag)!r}) and sys.exit(3);" + NOTIFY + SLEEP

    async def act(on: Stage) -> None:
        await up(on)
        old = on.pids("web")
        flag.touch()
        with pytest.raises(ReloadError, match="exited with status 3 before it was ready"):
            await on.arbiter.reload(["web"])
        assert on.pids("web") == old
        assert len(on.of(ReloadFailed)) == 1
        flag.unlink()
        await on.arbiter.reload(["web"])
        assert set(on.pids("web")).isdisjoint(old)

    config = WatcherConfig(name="web", cmd=python(code), ready=READY, numprocesses=2, use_sockets=True)
    play(stack_of(config), tmp_path, act)


def test_without_a_readiness_dying_at_once_still_fails_the_reload(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a busy machine even a shell may need longer than the second that a reload gives.
    monkeypatch.setattr(rolling, "_SETTLE_S", 20.0)
    flag = tmp_path / "broken"

    async def act(on: Stage) -> None:
        await up(on)
        old = on.pids("web")
        await on.wait(lambda: psutil.Process(old[0]).name() == "sleep", "the shell to have looked for the flag")
        flag.touch()
        with pytest.raises(ReloadError, match="exited with status 4"):
            await on.arbiter.reload(["web"])
        assert on.pids("web") == old

    config = WatcherConfig(name="web", cmd=f"sh -c 'test -e {flag} && exit 4; exec sleep 600'", use_sockets=True)
    play(stack_of(config), tmp_path, act)


def test_a_reload_by_hup_keeps_the_process(tmp_path: Path) -> None:
    heard = tmp_path / "heard"
    code = (
        f"import signal;signal.signal(1,lambda *_: open({str(heard)!r},'w').close());"
        + NOTIFY
        + "\nwhile True: signal.pause()"
    )

    async def act(on: Stage) -> None:
        await up(on)
        old = on.pids("web")
        await on.arbiter.reload(["web"])
        await on.wait(heard.exists, "the process to hear SIGHUP")
        assert on.pids("web") == old

    config = WatcherConfig(name="web", cmd=python(code), ready=READY, reload_mode=ReloadMode.HUP)
    play(stack_of(config), tmp_path, act)


def test_a_socket_is_inherited_by_number(tmp_path: Path) -> None:
    code = (
        "import socket,sys;s=socket.socket(fileno=int(sys.argv[1]));s.setblocking(True);"
        + NOTIFY
        + "c,_=s.accept();c.sendall(b'hello');"
        + SLEEP
    )
    config = WatcherConfig(name="web", cmd=python(code), args="$(circus.sockets.web)", use_sockets=True, ready=READY)

    async def act(on: Stage) -> None:
        await up(on)
        [view] = on.arbiter.sockets()
        reader, writer = await asyncio.open_connection(view.host, view.port)
        assert await reader.read(5) == b"hello"
        writer.close()

    socket = SocketConfig(name="web", host="127.0.0.1", port=0)
    play(stack_of(config, sockets=(socket,)), tmp_path, act)


@pytest.mark.parametrize("ready", ["tcp", "http", "exec", "delay"])
def test_every_form_of_readiness(tmp_path: Path, ready: str) -> None:
    port = free_port()
    mark = tmp_path / "mark"
    server = (
        "import http.server as h,time\nclass H(h.BaseHTTPRequestHandler):\n"
        " def do_GET(self):\n  self.send_response(200); self.end_headers()\n"
        f"time.sleep(0.1); open({str(mark)!r},'w').close()\n"
        f"h.HTTPServer(('127.0.0.1',{port}),H).serve_forever()"
    )
    forms = {
        "tcp": f"tcp:127.0.0.1:{port}",
        "http": f"http:http://127.0.0.1:{port}/",
        "exec": f"exec:test -e {mark}",
        "delay": "delay:0.1",
    }
    config = WatcherConfig(name="web", cmd=python(server), ready=parse_readiness(forms[ready]))

    async def act(on: Stage) -> None:
        await up(on)
        if ready != "delay":
            assert mark.exists()

    play(stack_of(config), tmp_path, act)
