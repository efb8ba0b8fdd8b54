"""Going over to another configuration on real processes and sockets: all or nothing."""

from __future__ import annotations

import dataclasses
import socket
from pathlib import Path

import pytest

from circus_stack.config.schema import SocketConfig, StackConfig, WatcherConfig
from circus_stack.config.values import Readiness, ReadinessForm
from circus_stack.errors import ReloadError
from circus_stack.events import ConfigApplied, WatcherAdded, WatcherRemoved
from circus_stack.states import WatcherState
from tests.integration.arbiter.stage import NOTIFY, SLEEP, Stage, play, python, stack_of
from tests.support.ports import free_port

READY = Readiness(ReadinessForm.NOTIFY)


def web(**options: object) -> WatcherConfig:
    values: dict[str, object] = {"numprocesses": 2, "use_sockets": True, "cmd": python(NOTIFY + SLEEP), "ready": READY}
    return WatcherConfig(name="web", **{**values, **options})  # type: ignore[arg-type]


def redis(**options: object) -> WatcherConfig:
    return WatcherConfig(name="redis", cmd="sleep 600", singleton=True, **options)  # type: ignore[arg-type]


async def all_up(on: Stage) -> None:
    await on.wait(lambda: set(on.arbiter.statuses().values()) == {WatcherState.ACTIVE}, "all to come up")


def with_watchers(stack: StackConfig, *watchers: WatcherConfig) -> StackConfig:
    return dataclasses.replace(stack, watchers=watchers)


def test_nothing_changed_and_no_roll_touches_nothing(tmp_path: Path) -> None:
    stack = stack_of(web(), redis())

    async def act(on: Stage) -> None:
        await all_up(on)
        before = on.pids("web") + on.pids("redis")
        await on.arbiter.apply(stack, roll=False)
        assert on.pids("web") + on.pids("redis") == before

    play(stack, tmp_path, act)


def test_a_roll_replaces_workers_and_leaves_services(tmp_path: Path) -> None:
    stack = stack_of(web(), redis())

    async def act(on: Stage) -> None:
        await all_up(on)
        old_web, old_redis = on.pids("web"), on.pids("redis")
        await on.arbiter.apply(stack, roll=True)
        assert set(on.pids("web")).isdisjoint(old_web)
        assert on.pids("redis") == old_redis

    play(stack, tmp_path, act)


def test_watchers_come_and_go(tmp_path: Path) -> None:
    stack = stack_of(web(), redis())

    async def act(on: Stage) -> None:
        await all_up(on)
        new = with_watchers(stack, web(), WatcherConfig(name="cron", cmd="sleep 600"))
        await on.arbiter.apply(new, roll=False)
        assert on.arbiter.names() == ("web", "cron")
        assert on.arbiter.status("cron") is WatcherState.ACTIVE
        assert [each.watcher for each in on.of(WatcherRemoved)] == ["redis"]
        assert on.of(WatcherAdded)[-1].watcher == "cron"
        assert len(on.of(ConfigApplied)) == 1

    play(stack, tmp_path, act)


def test_only_another_number_scales(tmp_path: Path) -> None:
    stack = stack_of(web())

    async def act(on: Stage) -> None:
        await all_up(on)
        before = on.pids("web")
        await on.arbiter.apply(with_watchers(stack, web(numprocesses=3)), roll=False)
        assert set(before) < set(on.pids("web"))
        assert len(on.pids("web")) == 3

    play(stack, tmp_path, act)


def test_a_changed_service_is_stopped_and_started(tmp_path: Path) -> None:
    stack = stack_of(web(), redis())

    async def act(on: Stage) -> None:
        await all_up(on)
        old_web, [old] = on.pids("web"), on.pids("redis")
        await on.arbiter.apply(with_watchers(stack, web(), redis(env={"A": "b"})), roll=False)
        assert on.pids("redis") != [old]
        assert on.pids("web") == old_web

    play(stack, tmp_path, act)


def test_one_watcher_that_fails_takes_everything_back(tmp_path: Path) -> None:
    stack = stack_of(web(), web_named("other"), sockets=(SocketConfig(name="a", host="127.0.0.1", port=0),))

    async def act(on: Stage) -> None:
        await all_up(on)
        before = on.pids("web") + on.pids("other")
        sockets = on.arbiter.sockets()
        broken = web_named("other", cmd="sh -c 'exit 5'")
        new = dataclasses.replace(
            stack,
            watchers=(web(env={"NEW": "1"}), broken, WatcherConfig(name="cron", cmd="sleep 600")),
            sockets=(*stack.sockets, SocketConfig(name="b", host="127.0.0.1", port=0)),
        )
        with pytest.raises(ReloadError, match="exited with status 5"):
            await on.arbiter.apply(new, roll=False)
        assert on.pids("web") + on.pids("other") == before
        assert on.arbiter.names() == ("web", "other")
        assert on.arbiter.sockets() == sockets
        assert on.arbiter.config("web").env == {}
        assert not on.of(ConfigApplied)
        await on.arbiter.apply(stack, roll=True)

    play(stack, tmp_path, act)


def web_named(name: str, **options: object) -> WatcherConfig:
    return dataclasses.replace(web(**options), name=name)


def test_a_port_in_use_changes_nothing(tmp_path: Path) -> None:
    stack = stack_of(web(), sockets=(SocketConfig(name="web", host="127.0.0.1", port=0),))

    async def act(on: Stage) -> None:
        await all_up(on)
        before = on.pids("web")
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            new = dataclasses.replace(stack, sockets=(SocketConfig(name="web", host="127.0.0.1", port=port),))
            with pytest.raises(ReloadError, match=f"127.0.0.1:{port}.*held by .* nothing was changed"):
                await on.arbiter.apply(new, roll=False)
        assert on.pids("web") == before

    play(stack, tmp_path, act)


def test_a_moved_socket_replaces_its_workers_and_closes_the_old(tmp_path: Path) -> None:
    old_port, new_port = free_port(), free_port()
    stack = stack_of(web(), sockets=(SocketConfig(name="web", host="127.0.0.1", port=old_port),))

    async def act(on: Stage) -> None:
        await all_up(on)
        before = on.pids("web")
        new = dataclasses.replace(stack, sockets=(SocketConfig(name="web", host="127.0.0.1", port=new_port),))
        await on.arbiter.apply(new, roll=False)
        assert set(on.pids("web")).isdisjoint(before)
        socket.create_connection(("127.0.0.1", new_port), timeout=5).close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", old_port), timeout=5)

    play(stack, tmp_path, act)


def test_another_backlog_keeps_the_socket_and_its_workers(tmp_path: Path) -> None:
    stack = stack_of(web(), sockets=(SocketConfig(name="web", host="127.0.0.1", port=free_port()),))

    async def act(on: Stage) -> None:
        await all_up(on)
        before, [view] = on.pids("web"), on.arbiter.sockets()
        new = dataclasses.replace(stack, sockets=(dataclasses.replace(stack.sockets[0], backlog=7),))
        await on.arbiter.apply(new, roll=False)
        assert on.pids("web") == before
        assert [(each.fd, each.backlog) for each in on.arbiter.sockets()] == [(view.fd, 7)]

    play(stack, tmp_path, act)


def test_a_socket_that_only_changed_its_name_stays_open(tmp_path: Path) -> None:
    port = free_port()
    stack = stack_of(web(), sockets=(SocketConfig(name="old", host="127.0.0.1", port=port),))

    async def act(on: Stage) -> None:
        await all_up(on)
        new = dataclasses.replace(stack, sockets=(SocketConfig(name="new", host="127.0.0.1", port=port),))
        await on.arbiter.apply(new, roll=False)
        assert [each.name for each in on.arbiter.sockets()] == ["new"]
        socket.create_connection(("127.0.0.1", port), timeout=5).close()

    play(stack, tmp_path, act)


def test_a_stop_during_the_reload_keeps_the_old_configuration(tmp_path: Path) -> None:
    stack = stack_of(web())

    async def act(on: Stage) -> None:
        await all_up(on)
        never = web(cmd="sleep 600", env={"NEW": "1"})
        applying = on.arbiter.apply(with_watchers(stack, never), roll=False)
        await on.wait(lambda: len(on.pids("web")) == 4, "the new generation")
        await on.arbiter.stop(["web"])
        with pytest.raises(ReloadError, match="overtaken by a stop"):
            await applying
        assert on.arbiter.config("web").env == {}
        assert on.pids("web") == []

    play(stack, tmp_path, act)


def test_a_changed_service_is_up_before_workers_that_need_it_roll(tmp_path: Path) -> None:
    mark = tmp_path / "new-redis-is-up"
    # A worker of the new generation fails at once where the service hasn't its new configuration yet.
    needs = f"import os,sys;os.environ.get('NEW') and not os.path.exists({str(mark)!r}) and sys.exit(9);"
    stack = stack_of(web(cmd=python(needs + NOTIFY + SLEEP), depends_on=("redis",)), redis())

    async def act(on: Stage) -> None:
        await all_up(on)
        code = f"import os;os.environ.get('NEW') and open({str(mark)!r},'w').close();" + NOTIFY + SLEEP
        new_redis = dataclasses.replace(redis(env={"NEW": "1"}), cmd=python(code), ready=READY)
        new_web = web(cmd=python(needs + NOTIFY + SLEEP), depends_on=("redis",), env={"NEW": "1"})
        await on.arbiter.apply(with_watchers(stack, new_web, new_redis), roll=False)
        assert on.arbiter.config("web").env == {"NEW": "1"}

    play(stack, tmp_path, act)


def test_a_service_goes_back_when_the_workers_do_not_come_up(tmp_path: Path) -> None:
    stack = stack_of(web(), redis())

    async def act(on: Stage) -> None:
        await all_up(on)
        old = on.pids("web")
        new = with_watchers(stack, web(cmd="sh -c 'exit 5'"), redis(env={"A": "b"}))
        with pytest.raises(ReloadError, match="exited with status 5"):
            await on.arbiter.apply(new, roll=False)
        assert on.pids("web") == old
        assert on.arbiter.config("redis").env == {}
        assert on.arbiter.status("redis") is WatcherState.ACTIVE

    play(stack, tmp_path, act)


def test_a_service_that_does_not_come_up_goes_back(tmp_path: Path) -> None:
    stack = stack_of(redis(max_failures=2))

    async def act(on: Stage) -> None:
        await all_up(on)
        broken = dataclasses.replace(redis(max_failures=2), cmd="sh -c 'exit 5'", ready=READY)
        with pytest.raises(ReloadError, match="did not come up"):
            await on.arbiter.apply(with_watchers(stack, broken), roll=False)
        assert on.arbiter.config("redis").cmd == "sleep 600"
        assert on.arbiter.status("redis") is WatcherState.ACTIVE

    play(stack, tmp_path, act)
