"""Multicast discovery on real sockets: any datagram is answered, but not any number of them."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable

import pytest

from circus_stack.control.discovery import MAX_ANSWERS_A_SECOND, Discovery, parse_multicast
from circus_stack.errors import SocketError
from tests.support.waiting import PATIENCE_S

GROUP = "237.219.251.97"


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((GROUP, 0))
        return int(probe.getsockname()[1])


def discovering(act: Callable[[socket.socket, int], Awaitable[None]]) -> None:
    """Run `act` with a socket that may ask, while an endpoint is discoverable."""

    async def run() -> None:
        port = free_port()
        loop = asyncio.get_running_loop()
        discovery = Discovery(loop, f"udp://{GROUP}:{port}", lambda: "tcp://127.0.0.1:5555", clock=lambda: 100.0)
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as asking:
                asking.bind(("127.0.0.1", 0))
                # By the address itself: what is bound to a group takes what is sent there on the loopback.
                asking.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
                await asyncio.wait_for(act(asking, port), PATIENCE_S)
        finally:
            discovery.close()
            discovery.close()

    asyncio.run(run())


@pytest.mark.parametrize("data", [b"", b"hello", b'{"x": 1}', b"\xff" * 60_000])
def test_any_datagram_is_answered(data: bytes) -> None:
    async def act(asking: socket.socket, port: int) -> None:
        loop = asyncio.get_running_loop()
        await loop.sock_sendto(asking, data, (GROUP, port))
        answer, _ = await loop.sock_recvfrom(asking, 1000)
        assert json.loads(answer) == {"endpoint": "tcp://127.0.0.1:5555"}

    discovering(act)


def test_a_flood_is_not_answered_in_full() -> None:
    async def act(asking: socket.socket, port: int) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(MAX_ANSWERS_A_SECOND * 3):
            await loop.sock_sendto(asking, b"?", (GROUP, port))
        answers = 0
        while True:
            try:
                await asyncio.wait_for(loop.sock_recvfrom(asking, 1000), 0.5)
            except TimeoutError:
                break
            answers += 1
        assert 0 < answers <= MAX_ANSWERS_A_SECOND

    discovering(act)


@pytest.mark.parametrize("endpoint", ["udp://10.0.0.1:5", "tcp://237.1.1.1:5", "udp://237.1.1.1", "x", "udp://[::1]:5"])
def test_what_is_no_group_is_refused(endpoint: str) -> None:
    with pytest.raises(SocketError, match=r"is not udp://GROUP:PORT"):
        parse_multicast(endpoint)
