"""The ping program, run as the arbiter runs it, against servers that answer one thing each."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from circus_stack.services import ping

PROGRAM = [sys.executable, "-I", "-S", ping.__file__]


def _ping(*arguments: str) -> tuple[int, str]:
    done = subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True, timeout=20)
    return done.returncode, done.stderr


@contextmanager
def _answering(path: Path, reply: Callable[[bytes], bytes]) -> Iterator[str]:
    """A server on a unix socket that answers each connection's first words, then hangs up."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(20)

        def serve() -> None:
            with listener.accept()[0] as connection:
                connection.settimeout(20)
                connection.sendall(reply(connection.recv(100)))

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"unix:{path}"
        finally:
            thread.join(30)


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (b"+PONG\r\n", 0),
        (b"-NOAUTH Authentication required.\r\n", 0),
        (b"-LOADING Redis is loading the dataset in memory\r\n", 1),
        (b"-BUSY Redis is busy running a script\r\n", 1),
        (b"-MASTERDOWN Link with MASTER is down\r\n", 1),
        (b"+PO", 1),
        (b"", 1),
    ],
)
def test_only_a_redis_that_serves_is_ready(tmp_path: Path, reply: bytes, code: int) -> None:
    with _answering(tmp_path / "s", lambda _: reply) as address:
        got, said = _ping("redis", address)
    assert got == code
    assert bool(said) is bool(code)
    assert "Traceback" not in said


def test_the_reason_is_said(tmp_path: Path) -> None:
    with _answering(tmp_path / "s", lambda _: b"-LOADING in memory\r\n") as address:
        assert _ping("redis", address) == (1, f"redis at {address}: -LOADING in memory\n")


@pytest.mark.parametrize("address", ["unix:/nowhere/redis.sock", "tcp:127.0.0.1:1"])
def test_nobody_there_is_said_in_one_line(address: str) -> None:
    code, said = _ping("redis", address)
    assert code == 1
    assert said.startswith(f"redis at {address}: ")
    assert said.count("\n") == 1


@pytest.mark.parametrize(("pid", "code"), [("17", 0), ("18", 1)])
def test_a_memcached_is_known_by_its_pid(tmp_path: Path, pid: str, code: int) -> None:
    (tmp_path / "pid").write_text(f"{pid}\n")
    with _answering(tmp_path / "s", lambda _: b"STAT pid 17\r\nSTAT uptime 3\r\nEND\r\n") as address:
        assert _ping("memcached", address, str(tmp_path / "pid"))[0] == code


def test_it_imports_next_to_nothing() -> None:
    """Each heavy import is paid at every try: `socket` alone doubles what a try costs."""
    code = "import sys; sys.path.insert(0, sys.argv[1]); import ping; print(len(sys.modules), 'socket' in sys.modules)"
    place = str(Path(ping.__file__).parent)
    done = subprocess.run([*PROGRAM[:3], "-c", code, place], capture_output=True, text=True, timeout=20, check=True)
    count, socket_too = done.stdout.split()
    assert int(count) < 40
    assert socket_too == "False"


def test_importing_services_loads_no_recipe() -> None:
    code = "import sys, circus_stack.services; print([m for m in sys.modules if m.endswith(('.redis', '.solr'))])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout.strip() == "[]"
