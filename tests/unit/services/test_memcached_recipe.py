"""The command, the probe and the exports of the recipe of memcached."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

from circus_stack.errors import ServiceUnavailableError
from circus_stack.services import ServicePlan, binaries, prepare
from tests.support.services import declare, program


def _plan(tmp_path: Path, *, watcher: dict[str, object] | None = None, **texts: object) -> ServicePlan:
    service = declare("memcached", binary=program(tmp_path / "memcached"), watcher=watcher, **texts)
    return prepare(service, state_dir=tmp_path / "state", runtime_dir=tmp_path / "run", environ={})


def _argv(plan: ServicePlan) -> list[str]:
    return shlex.split(plan.watcher.cmd)


def test_by_default_it_listens_on_a_unix_socket(tmp_path: Path) -> None:
    plan = _plan(tmp_path)
    sock = tmp_path / "state" / "memcached" / "memcached.sock"
    assert _argv(plan)[1:5] == ["-s", str(sock), "-a", "0700"]
    assert plan.exports == {"MEMCACHED_SERVERS": f"unix:{sock}", "MEMCACHED_URL": f"unix:{sock}"}
    assert plan.directories == (tmp_path / "state" / "memcached",)
    assert plan.files == {}


def test_a_port_is_in_place_of_the_socket_and_probed_with_the_pidfile(tmp_path: Path) -> None:
    plan = _plan(tmp_path, port=11300)
    argv = _argv(plan)
    assert "-s" not in argv
    assert argv[1:7] == ["-l", "127.0.0.1", "-p", "11300", "-U", "0"]
    pidfile = str(tmp_path / "state" / "memcached" / "memcached.pid")
    assert argv[argv.index("-P") + 1] == pidfile
    assert shlex.split(plan.watcher.ready.target)[-3:] == ["memcached", "tcp:127.0.0.1:11300", pidfile]
    assert plan.exports == {"MEMCACHED_SERVERS": "127.0.0.1:11300", "MEMCACHED_URL": "memcached://127.0.0.1:11300"}


def test_an_ipv6_address_is_bracketed(tmp_path: Path) -> None:
    assert _plan(tmp_path, port=11300, bind="::1").exports["MEMCACHED_SERVERS"] == "[::1]:11300"


def test_limits_reach_the_command(tmp_path: Path) -> None:
    argv = _argv(_plan(tmp_path, memory="128m", connections=99, threads=2, max_item_size="2m", more_args="-v -v"))
    assert argv[argv.index("-m") + 1] == "128"
    assert argv[argv.index("-c") + 1] == "99"
    assert argv[argv.index("-t") + 1] == "2"
    assert argv[argv.index("-I") + 1] == str(2 << 20)
    assert argv[-2:] == ["-v", "-v"]


@pytest.mark.parametrize(("euid", "uid", "told"), [(0, None, True), (0, "nobody", False), (1000, None, False)])
def test_only_root_must_be_told_that_it_is_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, euid: int, uid: str | None, told: bool
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: euid)
    argv = _argv(_plan(tmp_path, watcher={"uid": uid} if uid else {}))
    assert ("-u" in argv) is told


def test_a_missing_memcached_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "_SYSTEM_DIRS", ())
    with pytest.raises(ServiceUnavailableError, match="apt-get install memcached"):
        prepare(declare("memcached"), state_dir=tmp_path, runtime_dir=tmp_path, environ={"PATH": str(tmp_path)})
