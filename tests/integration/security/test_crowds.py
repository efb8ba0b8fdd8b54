"""More silent connections than the arbiter may have files open: whoever has something to ask is answered meanwhile."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from circus_stack.client.sync import Client
from tests.integration.security.guarded import Guarded
from tests.support.processes import Program
from tests.support.stack import BIN, Room, RunningStack
from tests.support.waiting import PATIENCE_S, wait_until

_MAY_OPEN = 200
_CROWD = 350
_GREETING = b"\xff\0\0\0\0\0\0\0\1\x7f\3\1CURVE"


class _FewFiles(Room):
    """All programs may open few files."""

    def start(self, *argv: str, **options: object) -> RunningStack:
        log = self.directory / f"{argv[0]}-few.log"
        words = [f'ulimit -n {_MAY_OPEN}; exec "$@"', "sh", str(BIN / argv[0]), *argv[1:]]
        return self.adopt(Program(["sh", "-c", *words], log, base_env=self.environ, cwd=self.directory))


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    here = _FewFiles(tmp_path_factory.mktemp("crowded"))
    try:
        yield Guarded(here)
    finally:
        strays = here.close()
    assert strays == []
    here.remove()


def connect(crowd: contextlib.ExitStack, family: int, address: object) -> socket.socket:
    """Connected, as soon as the other side's queue has room."""
    one = crowd.enter_context(socket.socket(family))
    # Not settimeout: a non-blocking connect to a path doesn't wait for room.
    one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", int(PATIENCE_S), 0))
    one.connect(address)  # type: ignore[arg-type]
    return one


@pytest.mark.parametrize("greeting", [b"", _GREETING], ids=["silent", "greeting"])
def test_a_silent_crowd_at_a_port_keeps_nobody_out(crowded: Guarded, greeting: bytes) -> None:
    before = crowded.facts()
    admin = crowded.credentials("admin")
    with crowded.client(admin) as early, crowded.subscriber("events", admin) as events, contextlib.ExitStack() as crowd:
        assert early.call("list")["watchers"] == ["web"]
        assert events.join(PATIENCE_S)
        for name in ("control", "events"):
            for _ in range(_CROWD):
                one = connect(crowd, socket.AF_INET, ("127.0.0.1", crowded.ports[name]))
                with contextlib.suppress(OSError):
                    one.sendall(greeting)
        with crowded.client(crowded.credentials("view")) as late:
            assert late.call("list")["watchers"] == ["web"]
        with crowded.subscriber("events", crowded.credentials("view")) as more:
            assert more.join(PATIENCE_S)
        # Who had come before has kept the connection.
        assert early.call("numwatchers")["numwatchers"] == 1
        assert crowded.facts() == before
    assert "Traceback" not in crowded.stack.output()


def test_a_silent_crowd_at_the_socket_of_the_user_keeps_nobody_out(crowded: Guarded) -> None:
    before = crowded.facts()
    endpoint = crowded.stack.found().record.endpoint
    assert endpoint.startswith("ipc://")
    with Client(endpoint, timeout_s=PATIENCE_S) as early, contextlib.ExitStack() as crowd:
        assert early.call("list")["watchers"] == ["web"]
        for _ in range(_CROWD):
            connect(crowd, socket.AF_UNIX, endpoint.removeprefix("ipc://"))
        with Client(endpoint, timeout_s=PATIENCE_S) as late:
            assert late.call("list")["watchers"] == ["web"]
        assert early.call("numwatchers")["numwatchers"] == 1
    assert crowded.facts() == before


def test_what_is_left_out_of_the_log_is_counted(crowded: Guarded) -> None:
    endpoint = crowded.stack.found().record.endpoint
    with contextlib.ExitStack() as crowd:
        for _ in range(_CROWD):
            connect(crowd, socket.AF_UNIX, endpoint.removeprefix("ipc://"))

    def tells() -> bool:
        with contextlib.ExitStack() as crowd:
            for _ in range(_CROWD // 10):
                connect(crowd, socket.AF_UNIX, endpoint.removeprefix("ipc://"))
        told = [line for line in crowded.stack.output().splitlines() if "a client at this machine was disc" in line]
        return any(line.endswith("like it before)") for line in told)

    wait_until(tells, "a line that counts the others", detail=crowded.stack.output)


def test_descriptors_come_back(crowded: Guarded) -> None:
    def open_files() -> int:
        return len(list(Path(f"/proc/{crowded.stack.pid}/fd").iterdir()))

    crowded.stack.call("list")
    endpoint = crowded.stack.found().record.endpoint
    before = open_files()
    with contextlib.ExitStack() as crowd:
        for _ in range(_CROWD):
            connect(crowd, socket.AF_UNIX, endpoint.removeprefix("ipc://"))
        assert open_files() < _MAY_OPEN
    wait_until(lambda: open_files() <= before, "descriptors that are closed", detail=open_files)
