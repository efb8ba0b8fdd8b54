"""The recipe of Redis against real servers: the installed one and the one that the extra `redis` brings."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
import redis

from circus_stack.services import ServicePlan, prepare
from tests.integration.services.launched import answers, launched, plan_for, stop
from tests.support.ports import free_port, listening_socket
from tests.support.processes import running
from tests.support.services import declare

BINARIES = ["redis-server", "embedded"]


def _client(plan: ServicePlan) -> redis.Redis:
    return redis.Redis.from_url(plan.exports["REDIS_URL"], socket_timeout=10, decode_responses=True)


@pytest.mark.parametrize("binary", BINARIES)
def test_what_was_written_is_there_after_a_stop_and_a_start(tmp_path: Path, binary: str) -> None:
    plan = plan_for(declare("redis", binary=binary), tmp_path)
    with launched(plan, tmp_path / "log") as program, _client(plan) as client:
        client.set("note", "kept")
        assert stop(plan, program) == 0
    assert not answers(plan.watcher.ready), "a stopped server must not count as ready"
    with launched(plan, tmp_path / "log") as program, _client(plan) as client:
        assert client.get("note") == "kept"
        assert stop(plan, program) == 0


@pytest.mark.parametrize("binary", BINARIES)
def test_a_kill_loses_nothing_that_was_forced_to_disk(tmp_path: Path, binary: str) -> None:
    plan = plan_for(declare("redis", binary=binary, appendfsync="always"), tmp_path)
    with launched(plan, tmp_path / "log") as program, _client(plan) as client:
        client.set("note", "kept")
        program.kill_group()
    with launched(plan, tmp_path / "log"), _client(plan) as client:
        assert client.get("note") == "kept"


def test_without_the_log_of_writes_a_stop_saves_a_snapshot(tmp_path: Path) -> None:
    plan = plan_for(declare("redis", appendonly="no"), tmp_path)
    with launched(plan, tmp_path / "log") as program, _client(plan) as client:
        client.set("note", "kept")
        assert stop(plan, program) == 0
    with launched(plan, tmp_path / "log"), _client(plan) as client:
        assert client.get("note") == "kept"


@pytest.mark.parametrize("binary", BINARIES)
def test_its_socket_and_its_data_are_the_owners_alone_and_no_port_is_open(tmp_path: Path, binary: str) -> None:
    plan = plan_for(declare("redis", binary=binary), tmp_path)
    sock = Path(plan.exports["REDIS_SOCKET"])
    with launched(plan, tmp_path / "log"), _client(plan) as client:
        for path in (sock, sock.parent, sock.parent / "data", sock.parent / "redis.conf"):
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
        assert client.config_get("port") == {"port": "0"}


@pytest.mark.parametrize("binary", BINARIES)
def test_every_option_is_taken(tmp_path: Path, binary: str) -> None:
    (tmp_path / "more.conf").write_text("hz 50\ndaemonize yes\n")
    port = free_port()
    service = declare(
        "redis",
        binary=binary,
        port=port,
        db=2,
        databases=4,
        maxmemory="64m",
        maxmemory_policy="allkeys-lru",
        save="60 1",
        loglevel="verbose",
        include=tmp_path / "more.conf",
    )
    plan = plan_for(service, tmp_path)
    assert plan.exports["REDIS_URL"] == f"redis://127.0.0.1:{port}/2"
    with launched(plan, tmp_path / "log"), _client(plan) as client:
        got = client.config_get("*")
        assert {"maxmemory": str(64 << 20), "maxmemory-policy": "allkeys-lru", "databases": "4"}.items() <= got.items()
        assert {"save": "60 1", "hz": "50", "daemonize": "no"}.items() <= got.items()


def test_two_of_them_stand_side_by_side(tmp_path: Path) -> None:
    one = plan_for(declare("redis"), tmp_path)
    two = plan_for(declare("redis", name="sessions"), tmp_path)
    with launched(one, tmp_path / "one.log"), launched(two, tmp_path / "two.log"), _client(one) as client:
        client.set("where", "one")
        with redis.Redis.from_url(two.exports["SESSIONS_URL"], socket_timeout=10) as other:
            assert other.get("where") is None


def test_a_stranger_on_its_port_does_not_make_it_ready(tmp_path: Path) -> None:
    with listening_socket() as stranger:
        port = stranger.getsockname()[1]
        plan = plan_for(declare("redis", port=port), tmp_path)
        with pytest.raises(AssertionError, match=r"(?i)address already in use"), launched(plan, tmp_path / "log"):
            pass


def test_a_socket_left_behind_by_a_killed_server_is_no_hindrance(tmp_path: Path) -> None:
    plan = plan_for(declare("redis"), tmp_path)
    with launched(plan, tmp_path / "log") as program:
        program.kill_group()
    assert Path(plan.exports["REDIS_SOCKET"]).is_socket()
    with launched(plan, tmp_path / "log"), _client(plan) as client:
        assert client.ping()


def test_a_long_state_directory_is_no_hindrance(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    plan = prepare(declare("redis"), state_dir=deep, runtime_dir=tmp_path, environ=os.environ)
    assert plan.exports["REDIS_SOCKET"] == str(tmp_path / "redis.sock")
    with launched(plan, tmp_path / "log"), _client(plan) as client:
        assert client.ping()


def test_data_of_a_newer_server_is_refused_aloud_by_an_older_one(tmp_path: Path) -> None:
    """What DESIGN.md tells about going from the embedded valkey 9 to Debian's redis 7."""
    newer = plan_for(declare("redis", binary="embedded"), tmp_path)
    with launched(newer, tmp_path / "log") as program:
        assert stop(newer, program) == 0
    older = plan_for(declare("redis", binary="redis-server"), tmp_path)
    with running(older.watcher.cmd.split(), tmp_path / "older.log") as program:
        assert program.wait_exit() == 1
        assert "reading the append only file" in program.output()
