"""Circus's clients by their own names, on an arbiter in a thread."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest
import zmq

from circus_stack.api.client import AsyncCircusClient, CallError, CircusClient, cast_message, make_json, make_message
from circus_stack.api.consumer import CircusConsumer
from circus_stack.api.stats.client import StatsClient
from circus_stack.api.stream import FileStream, TimedRotatingFileStream
from tests.integration.api.programs import output_of
from tests.support.waiting import wait_until

SLEEP = {"cmd": "sleep 300"}


@pytest.fixture
def arbiter(background):
    return background(SLEEP)


def test_the_blocking_client(arbiter):
    client = CircusClient(endpoint=arbiter.endpoint)
    try:
        assert client.send_message("list")["watchers"] == ["sleep"]
        assert client.call(make_message("status", name="nobody"))["reason"] == "program nobody not found"
        assert client.call(cast_message("incr", name="sleep")) == {}
        wait_until(lambda: client.send_message("numprocesses", name="sleep")["numprocesses"] == 2, "the cast")
        with pytest.raises(TypeError, match="make_message"):
            client.call(make_json("list"))
        assert client.timeout == 5000
    finally:
        client.stop()
        client.stop()


def test_nobody_answers(endpoints):
    client = CircusClient(endpoint=endpoints["controller"], timeout=0.1)
    try:
        with pytest.raises(CallError, match="no answer to 'list'"):
            client.send_message("list")
    finally:
        client.stop()


DROPPED = """
import asyncio, sys
from circus_stack.api.client import AsyncCircusClient, CallError, CircusClient
def blocking():
    try:
        CircusClient(endpoint=sys.argv[1], timeout=0.1).send_message("list")
    except CallError:
        print("CallError")
async def with_asyncio():
    try:
        await AsyncCircusClient(endpoint=sys.argv[1], timeout=0.1).send_message("list")
    except CallError:
        print("CallError")
blocking()
asyncio.run(with_asyncio())
"""


def test_a_client_that_nobody_stops_holds_up_no_end():
    assert output_of(DROPPED, "tcp://127.0.0.1:1") == "CallError\nCallError\n"


def test_the_asyncio_client(arbiter):
    async def ask() -> list[object]:
        client = AsyncCircusClient(endpoint=arbiter.endpoint)
        replies = await asyncio.gather(*(client.send_message("list") for _ in range(20)))
        await client.stop()
        return [reply["watchers"] for reply in replies]

    assert asyncio.run(ask()) == [["sleep"]] * 20


def test_the_consumer_hands_on_bytes_and_ends(arbiter):
    got: list[tuple[bytes, bytes]] = []
    consumer = CircusConsumer(["watcher.sleep."], endpoint=arbiter.pubsub_endpoint, timeout=0.1)
    thread = threading.Thread(target=lambda: got.extend(consumer))
    thread.start()
    seen: list[tuple[bytes, bytes]] = []
    with CircusConsumer([b"watcher.sleep.spawn"], endpoint=arbiter.pubsub_endpoint) as here:
        messages = iter(here)
        ticker = threading.Event()

        def stir() -> None:
            while not ticker.wait(0.1):
                arbiter.get_watcher("sleep").incr()

        stirrer = threading.Thread(target=stir)
        stirrer.start()
        try:
            seen.append(next(messages))
            wait_until(lambda: got or not thread.is_alive() or consumer.stop(), "messages")
        finally:
            ticker.set()
            stirrer.join()
            consumer.stop()
            thread.join(20)
    topic, message = seen[0]
    assert topic.startswith(b"watcher.sleep.")
    assert {"process_pid", "time", "seq"} <= set(json.loads(message))


def test_figures_of_circusd_stats():
    """The frames that circusd-stats publishes, of one process, of a watcher and of a socket."""
    context = zmq.Context()
    publisher = context.socket(zmq.XPUB)
    port = publisher.bind_to_random_port("tcp://127.0.0.1")
    client = StatsClient(endpoint=f"tcp://127.0.0.1:{port}")
    try:
        assert publisher.poll(20_000)
        publisher.recv()
        for topic, figures in (
            ("stat.my.web.12", {"subtopic": 12, "cpu": 1.0, "name": None}),
            ("stat.my.web", {"cpu": 1.0, "pid": [12]}),
            ("stat.sockets.7", {"subtopic": 7, "reads": 3, "fd": 7, "address": "127.0.0.1:80"}),
        ):
            publisher.send_multipart([topic.encode(), json.dumps(figures).encode()])
        found = iter(client)
        assert [(watcher, pid) for watcher, pid, _ in (next(found) for _ in range(3))] == [
            ("my.web", "12"),
            ("my.web", None),
            ("sockets", "7"),
        ]
    finally:
        client.stop()
        client.__exit__(None, None, None)
        publisher.close(linger=0)
        context.term()


def test_streams_of_ones_own(tmp_path):
    class Loud(FileStream):
        def __call__(self, data):
            super().__call__({**data, "data": data["data"].upper()})

    stream = Loud(filename=tmp_path / "log", max_bytes=0)
    stream({"data": b"hello\n", "pid": 1, "name": "stdout"})
    stream.close()
    timed = TimedRotatingFileStream(filename=tmp_path / "timed", rotate_when="D", time_format="%Y")
    timed({"data": b"x\n", "pid": 12, "name": "stdout"})
    timed.close()

    assert (tmp_path / "log").read_text() == "HELLO\n"
    assert (tmp_path / "timed").read_text().endswith("[12] | x\n")
