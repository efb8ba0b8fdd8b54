"""What strangers and rude clients do at an endpoint with keys: nobody else is kept waiting by it."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from typing import Any

import zmq

from circus_stack.client.sync import Client
from tests.integration.security.guarded import Guarded
from tests.support.waiting import PATIENCE_S, wait_until

GARBAGE = [
    b"",
    b"GET / HTTP/1.1\r\n\r\n",
    b"\xff" * 64,
    b"\xff\0\0\0\0\0\0\0\1\x7f\3\1CURVE" + b"\0" * 200,
    b"\0" * 4096,
]


def admin(guarded: Guarded) -> Client:
    return guarded.client(guarded.credentials("admin"))


def test_connections_that_say_nothing_or_garbage_hold_nobody_up(guarded: Guarded) -> None:
    before = guarded.facts()
    with contextlib.ExitStack() as stack:
        for number in range(60):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", guarded.ports["control"]), PATIENCE_S))
            with contextlib.suppress(OSError):
                one.sendall(GARBAGE[number % len(GARBAGE)])
        with admin(guarded) as client:
            assert client.call("list")["watchers"] == ["web"]
        for name in ("events", "logs"):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", guarded.ports[name]), PATIENCE_S))
            one.sendall(GARBAGE[2])
        with guarded.subscriber("events", guarded.credentials("view")) as events:
            assert events.join(PATIENCE_S)
    assert guarded.facts() == before
    assert "Traceback" not in guarded.stack.output()


def dealer(guarded: Guarded, context: zmq.Context[Any]) -> zmq.Socket[Any]:
    made = context.socket(zmq.DEALER)
    made.setsockopt(zmq.LINGER, 0)
    guarded.credentials("view").show_on(made)
    made.connect(guarded.endpoint())
    return made


def test_a_message_of_many_frames_is_refused_and_thrown_away(guarded: Guarded) -> None:
    with zmq.Context() as context, dealer(guarded, context) as rude:
        rude.send_multipart([b"x" * 1000] * 20_000)
        rude.send(b'{"id": "after", "command": "numwatchers"}')
        assert rude.poll(PATIENCE_S * 1000)
        refused = json.loads(rude.recv())
        assert (refused["errno"], "7 or more" in refused["reason"]) == (3, True), refused
        assert rude.poll(PATIENCE_S * 1000)
        assert json.loads(rude.recv())["id"] == "after"


def test_a_flood_of_commands_keeps_nobody_from_his_answer(guarded: Guarded) -> None:
    is_over = threading.Event()
    sent = [0]

    def flood() -> None:
        # It never reads a reply.
        with zmq.Context() as context, dealer(guarded, context) as rude:
            rude.setsockopt(zmq.SNDTIMEO, 100)
            while not is_over.is_set():
                with contextlib.suppress(zmq.Again):
                    rude.send(b'{"id": "1", "command": "stats", "properties": {}}')
                    sent[0] += 1

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        wait_until(lambda: sent[0] > 500, "the flood to be under way")
        with admin(guarded) as client:
            for _ in range(10):
                assert client.call("list")["watchers"] == ["web"]
    finally:
        is_over.set()
        thread.join(PATIENCE_S)
