"""The way in to a socket: whom it lets in, whom it sends away, and what it carries out at the end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import zmq

from circus_stack.control.entrance import entrance as entrance_module
from circus_stack.control.entrance.entrance import Entrance
from circus_stack.control.entrance.farewell import see_off
from circus_stack.control.entrance.inner import InnerEndpoint
from circus_stack.control.entrance.listening import listen
from circus_stack.control.entrance.passage import Passage
from circus_stack.control.guard import Guard
from circus_stack.errors import SocketError
from tests.support.waiting import PATIENCE_S

_WELCOMED = 64 + 170
_ERROR = 12


class Host:
    """An entrance in this process, with a socket that nobody reads."""

    def __init__(self, directory: Path, *, is_guarded: bool = False) -> None:
        self.beside = str(directory / "beside")
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.router = self.context.socket(zmq.ROUTER)
        guard = Guard(zmq.curve_keypair()[1].decode(), f"ipc://{self.beside}") if is_guarded else None
        endpoint = "tcp://127.0.0.1:*" if is_guarded else f"ipc://{self.beside}"
        self.entrance = Entrance(asyncio.get_running_loop(), self.router, endpoint, guard=guard)
        self.clients = contextlib.ExitStack()

    def local(self) -> socket.socket:
        client = self.clients.enter_context(socket.socket(socket.AF_UNIX))
        client.connect(self.beside)
        client.setblocking(False)
        return client

    def remote(self, address: str) -> socket.socket:
        client = self.clients.enter_context(socket.socket())
        client.bind((address, 0))
        client.connect(("127.0.0.1", int(self.entrance.endpoint.rpartition(":")[2])))
        client.setblocking(False)
        return client

    def close(self) -> None:
        self.clients.close()
        self.entrance.close(0)
        self.router.close(linger=0)
        self.context.term()


def run(directory: Path, play: Callable[[Host], Awaitable[None]], *, is_guarded: bool = False) -> None:
    async def main() -> None:
        host = Host(directory, is_guarded=is_guarded)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await play(host)
        finally:
            host.close()

    asyncio.run(main())


async def greeted(client: socket.socket) -> bool:
    """Whether libzmq's greeting comes; False where the other side hangs up instead."""
    try:
        return bool(await asyncio.get_running_loop().sock_recv(client, 64))
    except ConnectionError:
        return False


async def is_hung_up(client: socket.socket) -> bool:
    while await greeted(client):
        pass
    return True


def test_the_network_takes_no_place_of_this_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entrance_module, "room_for_clients", lambda: 6)

    async def play(host: Host) -> None:
        ours = [host.local() for _ in range(3)]
        assert all([await greeted(each) for each in ours])
        crowd = [host.remote(f"127.0.0.{number}") for number in range(2, 12)]
        assert all([await is_hung_up(each) for each in crowd[:7]])
        for each in ours:
            with pytest.raises(BlockingIOError):
                each.recv(1)

    run(tmp_path, play, is_guarded=True)


def test_an_error_that_is_none_of_room_costs_the_newcomer_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def play(host: Host) -> None:
        ours = [host.local() for _ in range(3)]
        assert all([await greeted(each) for each in ours])

        def refuse(_: InnerEndpoint) -> None:
            raise BlockingIOError(errno.EAGAIN, "the queue is full")

        monkeypatch.setattr(InnerEndpoint, "connect", refuse)
        assert await is_hung_up(host.local())
        for each in ours:
            with pytest.raises(BlockingIOError):
                each.recv(1)

    run(tmp_path, play)


def test_nobody_comes_in_while_libzmq_is_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = InnerEndpoint.connect
    connected: list[socket.socket] = []
    ours, late = socket.socketpair()

    def connect_late(inner: InnerEndpoint) -> tuple[socket.socket, bool]:
        if connected:
            return connect(inner)
        connected.append(ours)
        ours.setblocking(False)
        return ours, False

    async def play(host: Host) -> None:
        first = host.local()
        second = asyncio.ensure_future(greeted(host.local()))
        done, _ = await asyncio.wait([second], timeout=0.3)
        assert not done
        late.sendall(b"greeting")
        assert await asyncio.get_running_loop().sock_recv(first, 64) == b"greeting"
        assert await second

    monkeypatch.setattr(InnerEndpoint, "connect", connect_late)
    with late:
        run(tmp_path, play)


def passage_between(told: list[Passage]) -> tuple[Passage, socket.socket, socket.socket]:
    """A guarded one, the client's end, and libzmq's end."""
    (client, outer), (inner, zmq_end) = socket.socketpair(), socket.socketpair()
    for each in (client, outer, inner, zmq_end):
        each.setblocking(False)
    loop = asyncio.get_running_loop()
    return Passage(loop, outer, inner, peer="x", is_guarded=True, on_end=told.append), client, zmq_end


def test_a_refused_key_is_still_a_stranger() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        passage, client, zmq_end = passage_between([])
        with client, zmq_end:
            for size, is_through in ((_WELCOMED + _ERROR, False), (1, True)):
                zmq_end.sendall(bytes(size))
                while size > 0:
                    size -= len(await loop.sock_recv(client, size))
                assert passage.is_through is is_through
            passage.close()

    asyncio.run(main())


def test_one_that_stalls_takes_no_last_reply_from_the_others() -> None:
    async def main() -> None:
        stalled, deaf, flood = passage_between([])
        good, client, zmq_end = passage_between([])
        with deaf, flood, client, zmq_end:
            zmq_end.sendall(b"bye")
            with contextlib.suppress(BlockingIOError):
                while True:
                    flood.send(bytes(65536))
            # The deaf one's own queue is full before that of libzmq's end.
            see_off([stalled, good], time.monotonic() + 0.5)
            assert client.recv(16) == b"bye"
            for each in (stalled, good):
                each.close()

    asyncio.run(main())


@pytest.mark.parametrize("port", ["²", "٣", "-1", "65536", ""])
def test_a_port_that_is_none_is_an_error(port: str) -> None:
    with pytest.raises(SocketError):
        listen(f"tcp://127.0.0.1:{port}", None, has_keys=False)
