"""Several workers on one socket: one of those that are idle is woken for a connection."""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import struct
from pathlib import Path

import pytest

from tests.support.waiting import PATIENCE_S, wait_until

APP = "tests.integration.chaussette.exclusive_apps:app"
_EXCLUSIVE = 1 << 28


def ask(address: tuple[str, int], path: str = "/", connection: str = "close") -> tuple[socket.socket, str]:
    """A connection on which a request was answered, and what the answer was."""
    client = begin(address, path, connection)
    return client, answer(client)


def begin(address: tuple[str, int], path: str, connection: str = "close") -> socket.socket:
    client = socket.create_connection(address, timeout=PATIENCE_S)
    request(client, path, connection)
    return client


def request(client: socket.socket, path: str, connection: str = "close") -> None:
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: {connection}\r\n\r\n".encode())


def waiting(listener: socket.socket) -> int:
    """Connections that nobody has accepted yet."""
    # tcpi_unacked, which a listening socket uses for the length of its queue.
    return struct.unpack_from("I", listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104), 24)[0]


def answer(client: socket.socket) -> str:
    """The body of the next response, which says its length."""
    seen = b""
    while not (found := re.search(rb"Content-Length: (\d+)\r\n(?:.+\r\n)*\r\n", seen, re.IGNORECASE)) or len(
        seen
    ) < found.end() + int(found[1]):
        data = client.recv(65536)
        assert data, seen
        seen += data
    return seen[found.end() :].decode()


def is_asleep(pid: int) -> bool:
    """Whether it waits for something to happen."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "S"


def is_watched_exclusively(pid: int, inode: int) -> bool:
    """Whether an epoll of the process watches this socket, and with that flag."""
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        # It may be closed by now.
        with contextlib.suppress(FileNotFoundError):
            if "eventpoll" in str(fd.readlink()):
                for line in Path(f"/proc/{pid}/fdinfo/{fd.name}").read_text().splitlines():
                    found = re.search(r"events:\s*([0-9a-f]+) .* ino:([0-9a-f]+)", line)
                    if found and int(found[2], 16) == inode and int(found[1], 16) & _EXCLUSIVE:
                        return True
    return False


@pytest.mark.parametrize("backend", ["gevent", "fastgevent"])
def test_an_idle_worker_takes_what_a_busy_one_would_have(backend, supervisor, listener, tmp_path):
    workers = [supervisor.start_ready("--backend", backend, fds=[listener.fileno()], app=APP) for _ in range(3)]
    inode = Path(f"/proc/self/fd/{listener.fileno()}").stat().st_ino
    for worker in workers:
        wait_until(lambda pid=worker.pid: is_watched_exclusively(pid, inode), "its watch is exclusive")
    address = listener.getsockname()
    held, busy = [], []
    for number in range(2):
        file = tmp_path / f"busy-{number}"
        held.append(begin(address, f"/busy{file}"))
        wait_until(lambda file=file: file.exists() and file.read_text(), "a worker is busy")
        busy.append(file)
    stuck = {file.read_text() for file in busy}
    assert len(stuck) == 2
    for _ in range(20):
        client, pid = ask(address)
        client.close()
        assert pid not in stuck
    for file in busy:
        file.unlink()
    assert {answer(client) for client in held} == stuck
    for client in held:
        client.close()


@pytest.mark.parametrize("backend", ["gevent", "fastgevent"])
def test_who_waits_for_a_first_request_leaves_the_next_connections_to_others(backend, supervisor, listener, tmp_path):
    workers = [supervisor.start_ready("--backend", backend, fds=[listener.fileno()], app=APP) for _ in range(2)]
    inode = Path(f"/proc/self/fd/{listener.fileno()}").stat().st_ino
    wait_until(lambda: all(is_watched_exclusively(each.pid, inode) for each in workers), "all watches are exclusive")
    for number in range(5):
        file = tmp_path / f"busy-{number}"
        silent = []
        for _ in range(2):
            silent.append(socket.create_connection(listener.getsockname(), timeout=PATIENCE_S))
            wait_until(
                lambda: waiting(listener) == 0 and all(is_asleep(each.pid) for each in workers), "it is accepted"
            )
        request(silent[0], f"/busy{file}")
        wait_until(lambda file=file: file.exists() and file.read_text(), "a worker is busy")
        request(silent[1], "/")
        assert answer(silent[1]) != file.read_text()
        file.unlink()
        answer(silent[0])
        for client in silent:
            client.close()


@pytest.mark.parametrize("backend", ["gevent", "fastgevent"])
def test_connections_that_stay_are_spread(backend, supervisor, listener):
    workers = [supervisor.start_ready("--backend", backend, fds=[listener.fileno()], app=APP) for _ in range(3)]
    inode = Path(f"/proc/self/fd/{listener.fileno()}").stat().st_ino
    wait_until(lambda: all(is_watched_exclusively(each.pid, inode) for each in workers), "all watches are exclusive")
    asked = []

    def all_have_one() -> bool:
        # Whoever is woken and gets no processor for a while may lose the connection to the one who has just had one.
        asked.append(ask(listener.getsockname(), connection="keep-alive"))
        return len({pid for _client, pid in asked}) == 3

    try:
        wait_until(all_have_one, "connections with each of the workers")
    finally:
        for client, _pid in asked:
            client.close()


@pytest.mark.parametrize("backend", ["gevent", "fastgevent"])
def test_a_stop_leaves_what_waits_to_those_who_stay(backend, supervisor, listener, tmp_path):
    old = supervisor.start_ready("--backend", backend, fds=[listener.fileno()], app=APP)
    inode = Path(f"/proc/self/fd/{listener.fileno()}").stat().st_ino
    wait_until(lambda: is_watched_exclusively(old.pid, inode), "its watch is exclusive")
    address, file = listener.getsockname(), tmp_path / "busy"
    clients = [begin(address, f"/busy{file}")]
    wait_until(lambda: file.exists() and file.read_text(), "the worker is busy")
    clients += [begin(address, "/") for _ in range(12)]
    old.signal(signal.SIGTERM)
    while supervisor.receive(old).get("STOPPING") != "1":
        pass
    file.unlink()
    assert old.wait_exit() == 0
    new = supervisor.start_ready("--backend", backend, fds=[listener.fileno()], app=APP)
    pids = [answer(client) for client in clients]
    assert set(pids) == {str(old.pid), str(new.pid)}
    # The one that made it busy, those that a turn of its loop took, and the one that it was woken for at the end.
    assert pids.count(str(old.pid)) <= 4
    for client in clients:
        client.close()


def test_it_can_be_turned_off(supervisor, listener):
    worker = supervisor.start_ready("--backend", "fastgevent", "--no-exclusive", fds=[listener.fileno()], app=APP)
    client, pid = ask(listener.getsockname())
    client.close()
    assert pid == str(worker.pid)
    assert not is_watched_exclusively(worker.pid, Path(f"/proc/self/fd/{listener.fileno()}").stat().st_ino)
