"""Whose a live connection is, how much it may send, and what ends it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import socketio
import websocket

from tests.integration.web.console import Console, Visitor
from tests.support.waiting import PATIENCE_S

_OPEN = "/socket.io/?EIO=4&transport=polling"


@contextlib.contextmanager
def connected(console: Console, visitor: Visitor) -> Iterator[tuple[Any, threading.Event]]:
    """A connection by websocket, and what is set when it has ended."""
    gone = threading.Event()
    client = socketio.Client(reconnection=False)
    client.on("disconnect", lambda *_reason: gone.set())
    headers = {name: value for name, value in visitor.headers.items() if name != "Host"}
    url = f"http://127.0.0.1:{console.port}"
    client.connect(url, headers=headers, transports=["websocket"], wait_timeout=PATIENCE_S)
    websocket = client.eio.ws
    try:
        yield client, gone
    finally:
        client.disconnect()
        # The client leaves the socket open where the server has hung up.
        websocket.shutdown()


@pytest.fixture(scope="module")
def talker(console: Console) -> Visitor:
    return console.program_with("view", "live-talker")


def test_a_connection_is_its_own_browsers_alone(console: Console) -> None:
    owner, other = console.browser(), console.browser()
    _, content, _ = owner.ask("GET", _OPEN)
    sid = content.partition(b'"sid":"')[2].partition(b'"')[0].decode()
    place = f"{_OPEN}&sid={sid}"
    status, content, _ = other.ask("POST", place, b"40")
    assert (status, content) == (403, b"this connection is somebody else's")
    assert other.ask("GET", place)[0] == 403
    assert owner.ask("POST", place, b"40")[0] == 200


def test_connections_are_counted_before_they_say_anything(console: Console) -> None:
    many, other = console.program_with("view", "live-many"), console.program_with("view", "live-other")
    statuses = [many.ask("GET", _OPEN)[0] for _ in range(21)]
    assert statuses == [200] * 20 + [429]
    assert other.ask("GET", _OPEN)[0] == 200


def test_a_token_that_is_taken_back_ends_its_connections(console: Console) -> None:
    with connected(console, console.program_with("view", "live-gone")) as (client, gone):
        assert client.call("follow", {"events": {}}, timeout=PATIENCE_S) == {"ok": True}
        console.run("token", "remove", "live-gone")
        assert gone.wait(PATIENCE_S)


@contextlib.contextmanager
def spoken_by_hand(console: Console, visitor: Visitor) -> Iterator[websocket.WebSocket]:
    """A websocket on which socket.io has begun, for what no client of socket.io says."""
    made = websocket.create_connection(
        f"ws://127.0.0.1:{console.port}/socket.io/?EIO=4&transport=websocket",
        header={"Authorization": visitor.headers["Authorization"]},
        timeout=PATIENCE_S,
    )
    try:
        made.send("40")
        wait_for(made, "40")
        yield made
    finally:
        made.shutdown()


def wait_for(made: websocket.WebSocket, beginning: str) -> None:
    """Until that is said; answers pings meanwhile. Raises WebSocketException where the server hangs up."""
    while not (said := str(made.recv())).startswith(beginning):
        if said == "2":
            made.send("3")


def test_who_is_turned_away_cannot_begin_again(console: Console) -> None:
    with spoken_by_hand(console, console.program_with("view", "live-again")) as made:
        # Nor does it leave the list of those that are looked at by saying so.
        made.send('42["disconnect"]')
        made.send('420["follow",{"events":{}}]')
        wait_for(made, '430[{"ok":true}]')
        console.run("token", "remove", "live-again")
        wait_for(made, "41")
        with pytest.raises((websocket.WebSocketException, OSError)):
            while True:
                made.send("40")
                assert not str(made.recv()).startswith("40")


@pytest.mark.parametrize(
    "said", ["3", '42["follow",{}]', '59999-["follow",{"_placeholder":true,"num":0}]', "x", b"x" * 30_000]
)
def test_who_says_too_much_is_cut_off_and_others_are_served(console: Console, talker: Visitor, said: Any) -> None:
    written_before = len(console.program.output())
    with spoken_by_hand(console, talker) as made, pytest.raises(OSError):
        for _ in range(20_000):
            made.send(said, websocket.ABNF.OPCODE_BINARY if isinstance(said, bytes) else websocket.ABNF.OPCODE_TEXT)
    assert console.visitor().ask("GET", "/api/v1/session")[0] == 401
    # Nor does what it says fill the log.
    assert "Traceback" not in console.program.output()[written_before:]


@pytest.mark.parametrize("size", [40_000, 5_000_000])
def test_a_message_that_is_too_long_ends_its_connection(console: Console, size: int) -> None:
    with connected(console, console.browser()) as (client, gone):
        with contextlib.suppress(socketio.exceptions.SocketIOError):
            client.emit("follow", {"processes": ["x" * size]})
        assert gone.wait(PATIENCE_S)
    assert console.visitor().ask("GET", "/api/v1/session")[0] == 401
