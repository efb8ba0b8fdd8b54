"""redis.conf, the command, the probe and the exports of the recipes of Redis and Valkey."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

from circus_stack.config.values import ReadinessForm
from circus_stack.errors import ConfigError, ServiceUnavailableError
from circus_stack.services import ServicePlan, binaries, prepare
from circus_stack.services import redis as recipe
from circus_stack.services.unixpath import LIMIT
from tests.support.services import declare, program


@pytest.fixture
def binary(tmp_path: Path) -> str:
    return program(tmp_path / "bin" / "redis-server")


def _plan(tmp_path: Path, binary: str, **texts: object) -> ServicePlan:
    service = declare("redis", binary=binary, **texts)
    return prepare(service, state_dir=tmp_path / "state", runtime_dir=tmp_path / "run", environ={})


def _conf(plan: ServicePlan) -> list[str]:
    (text,) = plan.files.values()
    return text.splitlines()


def test_by_default_there_is_a_unix_socket_and_no_port(tmp_path: Path, binary: str) -> None:
    plan = _plan(tmp_path, binary)
    sock = tmp_path / "state" / "redis" / "redis.sock"
    assert {"port 0", f'unixsocket "{sock}"', "unixsocketperm 700", "daemonize no"} <= set(_conf(plan))
    assert plan.exports == {"REDIS_URL": f"unix://{sock}?db=0", "REDIS_SOCKET": str(sock)}
    assert shlex.split(plan.watcher.cmd) == [binary, str(tmp_path / "state" / "redis" / "redis.conf")]


def test_the_data_outlives_a_run_in_a_directory_of_its_own(tmp_path: Path, binary: str) -> None:
    plan = _plan(tmp_path, binary)
    state = tmp_path / "state" / "redis"
    assert plan.directories == (state, state / "data")
    assert {f'dir "{state / "data"}"', "appendonly yes", "appendfsync everysec", 'save ""'} <= set(_conf(plan))


def test_a_port_is_beside_the_unix_socket_that_the_probe_uses(tmp_path: Path, binary: str) -> None:
    plan = _plan(tmp_path, binary, port=6380, db=3)
    assert {"port 6380", "bind 127.0.0.1"} <= set(_conf(plan))
    assert plan.exports["REDIS_URL"] == "redis://127.0.0.1:6380/3"
    assert plan.watcher.ready.form is ReadinessForm.EXEC
    assert shlex.split(plan.watcher.ready.target)[-2:] == ["redis", f"unix:{plan.exports['REDIS_SOCKET']}"]


@pytest.mark.parametrize(
    ("bind", "dialled"),
    [("0.0.0.0", "127.0.0.1"), ("* -::*", "127.0.0.1"), ("-::1", "[::1]"), ("::", "[::1]"), ("10.0.0.7", "10.0.0.7")],
)
def test_the_exported_url_names_an_address_that_can_be_dialled(
    tmp_path: Path, binary: str, bind: str, dialled: str
) -> None:
    assert _plan(tmp_path, binary, port=6380, bind=bind).exports["REDIS_URL"] == f"redis://{dialled}:6380/0"


def test_options_reach_redis_conf(tmp_path: Path, binary: str) -> None:
    conf = _conf(
        _plan(
            tmp_path,
            binary,
            maxmemory="64mb",
            maxmemory_policy="ALLKEYS-LRU",
            appendonly="no",
            databases=4,
            loglevel="warning",
        )
    )
    assert {"maxmemory 67108864", "maxmemory-policy allkeys-lru", "appendonly no", "databases 4"} <= set(conf)
    assert "loglevel warning" in conf
    assert not [line for line in conf if line.startswith("save")], "without the log of writes, Redis's own snapshots"


def test_a_save_of_ones_own_stands(tmp_path: Path, binary: str) -> None:
    assert "save 60 1" in _conf(_plan(tmp_path, binary, save="60 1"))


def test_an_include_can_overrule_our_choices_but_not_what_supervision_needs(tmp_path: Path, binary: str) -> None:
    conf = _conf(_plan(tmp_path, binary, include=tmp_path / 'my "own".conf'))
    place = conf.index(f'include "{tmp_path}/my \\"own\\".conf"')
    assert conf.index("appendonly yes") < place < conf.index("daemonize no")
    assert place < conf.index("supervised no")


def test_a_changed_option_changes_the_watcher_so_that_a_reload_sees_it(tmp_path: Path, binary: str) -> None:
    first, same = _plan(tmp_path, binary), _plan(tmp_path, binary)
    other = _plan(tmp_path, binary, maxmemory="1g")
    assert first == same
    assert first.watcher.cmd == other.watcher.cmd
    assert first.watcher != other.watcher


def test_a_service_of_another_name_exports_under_that_name(tmp_path: Path, binary: str) -> None:
    service = declare("redis", name="page-cache", binary=binary)
    plan = prepare(service, state_dir=tmp_path, runtime_dir=tmp_path / "run", environ={})
    assert plan.watcher.name == "page-cache"
    assert set(plan.exports) == {"PAGE_CACHE_URL", "PAGE_CACHE_SOCKET"}
    assert str(tmp_path / "page-cache") in plan.watcher.cmd


def test_valkey_exports_its_own_scheme(tmp_path: Path, binary: str) -> None:
    service = declare("valkey", binary=binary, port=6380)
    plan = prepare(service, state_dir=tmp_path, runtime_dir=tmp_path / "run", environ={})
    assert plan.exports["VALKEY_URL"] == "valkey://127.0.0.1:6380/0"


def test_the_socket_moves_to_the_runtime_directory_when_its_path_is_too_long(tmp_path: Path, binary: str) -> None:
    deep = tmp_path / ("d" * LIMIT)
    plan = prepare(declare("redis", binary=binary), state_dir=deep, runtime_dir=Path("/run/x"), environ={})
    assert plan.exports["REDIS_SOCKET"] == "/run/x/redis.sock"
    assert f'dir "{deep / "redis" / "data"}"' in _conf(plan)


def test_the_limit_counts_bytes_and_a_path_of_exactly_the_limit_fits(binary: str) -> None:
    tail = "/redis/redis.sock"
    fitting = Path("/" + "s" * (LIMIT - 1 - len(tail)))
    plan = prepare(declare("redis", binary=binary), state_dir=fitting, runtime_dir=Path("/run/x"), environ={})
    assert len(os.fsencode(plan.exports["REDIS_SOCKET"])) == LIMIT
    wider = Path("/é" + "s" * (LIMIT - 2 - len(tail)))
    plan = prepare(declare("redis", binary=binary), state_dir=wider, runtime_dir=Path("/run/x"), environ={})
    assert plan.exports["REDIS_SOCKET"] == "/run/x/redis.sock"


def test_nowhere_short_enough_is_said(binary: str) -> None:
    deep = Path("/" + "d" * LIMIT)
    with pytest.raises(ConfigError, match=r"\[service:redis\].*107 bytes.*state_dir"):
        prepare(declare("redis", binary=binary), state_dir=deep, runtime_dir=deep, environ={})


def test_path_is_searched_in_the_order_of_the_names(tmp_path: Path) -> None:
    valkey = program(tmp_path / "bin" / "valkey-server")
    environ = {"PATH": str(tmp_path / "bin")}
    assert binaries.find_on_path(("redis-server-none", "valkey-server"), environ) == valkey
    redis = program(tmp_path / "bin" / "redis-server")
    plan = prepare(declare("redis"), state_dir=tmp_path, runtime_dir=tmp_path, environ=environ)
    assert shlex.split(plan.watcher.cmd)[0] == redis
    plan = prepare(declare("valkey"), state_dir=tmp_path, runtime_dir=tmp_path, environ=environ)
    assert shlex.split(plan.watcher.cmd)[0] == valkey


def test_without_an_installed_server_the_embedded_one_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "_SYSTEM_DIRS", ())
    plan = prepare(declare("redis"), state_dir=tmp_path, runtime_dir=tmp_path, environ={"PATH": str(tmp_path)})
    assert shlex.split(plan.watcher.cmd)[0] == binaries.find_embedded_valkey()


def test_the_embedded_one_can_be_asked_for_by_name(tmp_path: Path) -> None:
    plan = prepare(declare("redis", binary="embedded"), state_dir=tmp_path, runtime_dir=tmp_path, environ=os.environ)
    assert shlex.split(plan.watcher.cmd)[0] == binaries.find_embedded_valkey()


def test_a_missing_server_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "_SYSTEM_DIRS", ())
    monkeypatch.setattr(recipe, "find_embedded_valkey", lambda: None)
    with pytest.raises(ServiceUnavailableError) as caught:
        prepare(declare("redis"), state_dir=tmp_path, runtime_dir=tmp_path, environ={"PATH": str(tmp_path)})
    text = str(caught.value)
    assert "[service:redis]" in text
    assert "apt-get install redis-server" in text
    assert "pip install 'circus-stack[redis]'" in text


@pytest.mark.parametrize("make", ["nothing", "directory", "plain file"])
def test_a_binary_that_cannot_run_is_named(tmp_path: Path, make: str) -> None:
    path = tmp_path / "redis-server"
    said = "does not exist"
    if make == "directory":
        path.mkdir()
        said = "is not a file"
    elif make == "plain file":
        path.write_text("")
        said = "not executable"
    with pytest.raises(ServiceUnavailableError, match=said):
        _plan(tmp_path, str(path))


def test_a_command_of_ones_own_needs_no_binary(tmp_path: Path) -> None:
    service = declare("redis", binary="/nowhere/redis", watcher={"cmd": "my-redis --socket x"})
    plan = prepare(service, state_dir=tmp_path, runtime_dir=tmp_path, environ={})
    assert plan.watcher.cmd == "my-redis --socket x"
