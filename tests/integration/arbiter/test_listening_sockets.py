"""Binding: what is bound, what a failure says, what is left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from circus_stack.arbiter.sockets import bind, bind_all, bind_aside
from circus_stack.config.schema import SocketConfig
from circus_stack.errors import SocketError
from tests.support.waiting import PATIENCE_S


def test_a_tcp_socket_listens_without_delayed_writes() -> None:
    listening = bind(SocketConfig(name="web", host="127.0.0.1", port=0))
    try:
        view = listening.view()
        with socket.create_connection((view.host, view.port), timeout=5):
            pass
        copy = socket.socket(fileno=os.dup(view.fd))
        assert copy.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
        copy.close()
    finally:
        listening.close()


def test_ipv4_and_ipv6_share_a_port() -> None:
    first = bind(SocketConfig(name="a", host="0.0.0.0", port=0))
    second = None
    try:
        second = bind(SocketConfig(name="b", host="::", port=first.view().port))
        assert second.view().family == "AF_INET6"
    finally:
        first.close()
        if second:
            second.close()


def test_a_port_in_use_names_its_holder() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            SocketError, match=rf"127\.0\.0\.1:{port}: Address already in use, held by .*pid {os.getpid()}"
        ):
            bind(SocketConfig(name="web", host="127.0.0.1", port=port))


def test_all_or_none() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.create_server(("127.0.0.1", 0)) as free:
        taken_port, free_port = taken.getsockname()[1], free.getsockname()[1]
        free.close()
        with pytest.raises(SocketError):
            bind_all(
                [
                    SocketConfig(name="a", host="127.0.0.1", port=free_port),
                    SocketConfig(name="b", host="127.0.0.1", port=taken_port),
                ]
            )
        bind(SocketConfig(name="a", host="127.0.0.1", port=free_port)).close()


def test_an_unknown_host_is_told() -> None:
    with pytest.raises(SocketError, match=r"no address for host 'no-such-host\.invalid'"):
        bind(SocketConfig(name="web", host="no-such-host.invalid", port=0))


def test_a_unix_socket_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "web.sock"
    bind(SocketConfig(name="web", path=str(path))).close()
    assert not path.exists()


def test_a_stale_unix_socket_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "web.sock"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    bind(SocketConfig(name="web", path=str(path))).close()


def test_a_unix_socket_in_use_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "web.sock"
    with socket.socket(socket.AF_UNIX) as taken:
        taken.bind(str(path))
        taken.listen()
        with pytest.raises(SocketError, match="another process listens"):
            bind(SocketConfig(name="web", path=str(path)))
    assert path.exists()


def test_a_unix_socket_with_a_full_queue_is_in_use(tmp_path: Path) -> None:
    """Whoever has it may be too busy to accept: that is no reason to wait for it, nor to take its file away."""
    path = tmp_path / "web.sock"
    with socket.socket(socket.AF_UNIX) as taken, contextlib.ExitStack() as waiting:
        taken.bind(str(path))
        taken.listen(0)
        with contextlib.suppress(BlockingIOError):
            for _ in range(10):
                client = waiting.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK))
                client.connect(str(path))
        with pytest.raises(SocketError, match="another process listens"):
            bind(SocketConfig(name="web", path=str(path)))
    assert path.exists()


def slow_resolver(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """A name that is resolved as soon as the event is set: no server of names can be had here that is slow."""
    answered = threading.Event()
    resolve = socket.getaddrinfo

    def wait(*args: Any, **kwargs: Any) -> Any:
        assert answered.wait(PATIENCE_S)
        return resolve("127.0.0.1", *args[1:], **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", wait)
    return answered


def test_a_slow_name_does_not_hold_up_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = slow_resolver(monkeypatch)

    async def act() -> None:
        binding = asyncio.ensure_future(bind_aside(SocketConfig(name="web", host="slow.example", port=0)))
        # That this comes to be set at all shows that the loop goes on.
        asyncio.get_running_loop().call_later(0.01, answered.set)
        listening = await binding
        assert listening.view().port
        listening.close()

    asyncio.run(act())


def test_a_socket_that_nobody_waits_for_any_more_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = slow_resolver(monkeypatch)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    async def act() -> None:
        binding = asyncio.ensure_future(bind_aside(SocketConfig(name="web", host="slow.example", port=port)))
        await asyncio.sleep(0.01)
        binding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await binding
        answered.set()
        # The thread is waited for here, and its result is looked at in a later turn.
        await asyncio.get_running_loop().shutdown_default_executor()
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    asyncio.run(act())
    bind(SocketConfig(name="web", host="127.0.0.1", port=port)).close()


def test_an_error_of_a_thread_is_told_as_any(tmp_path: Path) -> None:
    with pytest.raises(SocketError, match="cannot listen on"):
        asyncio.run(bind_aside(SocketConfig(name="web", path=str(tmp_path / "no" / "such" / "place"))))


def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("data")
    with pytest.raises(SocketError, match="is not a socket"):
        bind(SocketConfig(name="web", path=str(path)))
    assert path.read_text() == "data"


def test_another_queue_length_needs_no_new_socket() -> None:
    listening = bind(SocketConfig(name="web", host="127.0.0.1", port=0))
    try:
        longer = SocketConfig(name="web", host="127.0.0.1", port=0, backlog=9)
        assert listening.takes_over(longer)
        listening.adopt(longer)
        assert listening.view().backlog == 9
        assert not listening.takes_over(SocketConfig(name="web", host="127.0.0.1", port=1))
    finally:
        listening.close()


def test_a_socket_with_spare_ports_takes_the_next_free_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config = SocketConfig(name="console", host="127.0.0.1", port=port, spare_ports=200)
        first, second = bind(config), bind(config)
        try:
            found = {first.view().port, second.view().port}
            assert len(found) == 2
            assert found <= set(range(port + 1, port + 201))
            # What it found is what it keeps, as long as nobody names another.
            assert second.takes_over(config)
            assert not second.takes_over(SocketConfig(name="console", host="127.0.0.1", port=port))
            with pytest.raises(SocketError, match=f"127.0.0.1:{port}: Address already in use"):
                bind(SocketConfig(name="console", host="127.0.0.1", port=port))
        finally:
            first.close()
            second.close()


def test_no_spare_port_is_free() -> None:
    with contextlib.ExitStack() as held:
        port = _two_neighbours(held)
        with pytest.raises(SocketError, match=f"127.0.0.1:{port}: Address already in use"):
            bind(SocketConfig(name="console", host="127.0.0.1", port=port, spare_ports=1))


def _two_neighbours(held: contextlib.ExitStack) -> int:
    """A port that is held with the next one."""
    for _ in range(100):
        first = held.enter_context(socket.create_server(("127.0.0.1", 0)))
        port: int = first.getsockname()[1]
        with contextlib.suppress(OSError):
            held.enter_context(socket.create_server(("127.0.0.1", port + 1)))
            return port
    raise AssertionError("every other port is taken")
