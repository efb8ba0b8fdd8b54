"""The recipe of memcached against the real one."""

from __future__ import annotations

import socket
from pathlib import Path

from tests.integration.services.launched import answers, launched, plan_for, stop
from tests.support.ports import free_port
from tests.support.processes import running
from tests.support.services import declare


def _talk(sock: socket.socket, words: bytes, end: bytes) -> bytes:
    sock.settimeout(10)
    sock.sendall(words)
    reply = b""
    while not reply.endswith(end):
        piece = sock.recv(4096)
        assert piece, reply
        reply += piece
    return reply


def test_it_serves_on_a_unix_socket_that_is_the_owners_alone(tmp_path: Path) -> None:
    plan = plan_for(declare("memcached", memory="8m"), tmp_path)
    path = Path(plan.exports["MEMCACHED_URL"].removeprefix("unix:"))
    with launched(plan, tmp_path / "log") as program:
        assert path.stat().st_mode & 0o077 == 0
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(path))
            assert _talk(sock, b"set note 0 0 4\r\nkept\r\n", b"\r\n") == b"STORED\r\n"
            assert b"\r\nkept\r\n" in _talk(sock, b"get note\r\n", b"END\r\n")
            assert b"STAT limit_maxbytes 8388608\r" in _talk(sock, b"stats\r\n", b"END\r\n")
        assert stop(plan, program) == 0
    assert not answers(plan.watcher.ready)


def test_it_serves_on_a_port(tmp_path: Path) -> None:
    port = free_port()
    plan = plan_for(declare("memcached", port=port), tmp_path)
    with launched(plan, tmp_path / "log"):
        host, _, number = plan.exports["MEMCACHED_SERVERS"].partition(":")
        with socket.create_connection((host, int(number)), timeout=10) as sock:
            assert _talk(sock, b"version\r\n", b"\r\n").startswith(b"VERSION ")


def test_it_starts_again_after_a_kill(tmp_path: Path) -> None:
    plan = plan_for(declare("memcached"), tmp_path)
    with launched(plan, tmp_path / "log") as program:
        program.kill_group()
    with launched(plan, tmp_path / "log") as program:
        assert stop(plan, program) == 0


def test_a_strangers_memcached_on_its_port_does_not_make_it_ready(tmp_path: Path) -> None:
    port = free_port()
    stranger = plan_for(declare("memcached", name="stranger", port=port), tmp_path)
    ours = plan_for(declare("memcached", port=port), tmp_path)
    with launched(stranger, tmp_path / "log"):
        assert not answers(ours.watcher.ready), "never started"
    with launched(ours, tmp_path / "log") as program:
        program.kill_group()
    with launched(stranger, tmp_path / "log"), running(ours.watcher.cmd.split(), tmp_path / "ours.log") as program:
        assert program.wait_exit() != 0
        assert "in use" in program.output()
        assert not answers(ours.watcher.ready), "died of the port, with a pidfile of an earlier run"
