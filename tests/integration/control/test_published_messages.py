"""Events and log lines on real sockets: numbered, joined without a hole, and never at the publisher's cost."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from circus_stack.client.loglines import LogJoin
from circus_stack.client.subscriber import Subscriber
from circus_stack.control import log_publisher, publisher
from circus_stack.events import ProcessSpawned, WatcherStarted
from circus_stack.protocol.frames import parse_event
from circus_stack.protocol.topics import log_prefix
from circus_stack.streams.block import Block, Origin
from tests.integration.control.served import Served, served
from tests.support.waiting import PATIENCE_S, wait_until


@pytest.fixture
def control() -> Iterator[Served]:
    with served() as found:
        yield found


def started(name: str) -> WatcherStarted:
    return WatcherStarted(watcher=name, time=1.0)


def test_a_joined_subscriber_gets_every_event_in_order(control: Served) -> None:
    spawned = ProcessSpawned(watcher="Big One", time=2.0, process_pid=7, wid=1)
    with Subscriber(control.publisher.endpoint) as subscriber:
        assert subscriber.join(PATIENCE_S)
        control.run(lambda: control.publisher.publish(started("web")))
        control.run(lambda: control.publisher.publish(spawned))

        topic, message = subscriber.receive(PATIENCE_S) or ("", {})
        assert (topic, message) == ("watcher.web.start", {"watcher": "web", "time": 1.0, "seq": 1})
        topic, message = subscriber.receive(PATIENCE_S) or ("", {})
        assert topic == "watcher.big_one.spawn"
        assert parse_event(topic, message) == spawned
        assert subscriber.receive(0) is None


def test_snapshot_and_stream_join_by_number(control: Served) -> None:
    control.run(lambda: control.publisher.publish(started("before")))
    with Subscriber(control.publisher.endpoint) as subscriber, control.client() as client:
        subscriber.join(PATIENCE_S)
        control.run(lambda: control.publisher.publish(started("between")))
        snapshot = client.call("status")["seq"]
        control.run(lambda: control.publisher.publish(started("after")))

        messages = [subscriber.receive(PATIENCE_S) for _ in range(2)]
        assert [message[1]["watcher"] for message in messages if message and message[1]["seq"] > snapshot] == ["after"]


def test_only_topics_that_were_asked_for_come(control: Served) -> None:
    with Subscriber(control.publisher.endpoint, ["watcher.web."]) as subscriber:
        subscriber.join(PATIENCE_S)
        for name in ("redis", "web", "webby"):
            control.run(lambda name=name: control.publisher.publish(started(name)))

        message = subscriber.receive(PATIENCE_S)
        assert message is not None
        assert (message[0], message[1]["seq"]) == ("watcher.web.start", 2)
        assert subscriber.receive(0.1) is None


def test_joining_is_not_shown_to_others(control: Served) -> None:
    with Subscriber(control.publisher.endpoint) as first, Subscriber(control.publisher.endpoint) as second:
        assert first.join(PATIENCE_S)
        assert second.join(PATIENCE_S)
        control.run(lambda: control.publisher.publish(started("web")))

        assert (first.receive(PATIENCE_S) or ("",))[0] == "watcher.web.start"


def test_nothing_is_encoded_while_nobody_listens(control: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[Any] = []
    real = publisher.event_frames
    monkeypatch.setattr(publisher, "event_frames", lambda *given: encoded.append(given) or real(*given))

    control.run(lambda: control.publisher.publish(started("web")))
    assert encoded == []
    with Subscriber(control.publisher.endpoint, ["watcher.web."]) as subscriber:
        subscriber.join(PATIENCE_S)
        control.run(lambda: control.publisher.publish(started("redis")))
        assert encoded == []
        control.run(lambda: control.publisher.publish(started("web")))
        assert len(encoded) == 1
    assert control.publisher.seq == 3


def test_a_subscriber_that_does_not_read_does_not_hold_up_the_publisher(control: Served) -> None:
    context: zmq.Context[Any] = zmq.Context()
    deaf = context.socket(zmq.SUB)
    try:
        deaf.setsockopt(zmq.RCVHWM, 1)
        deaf.setsockopt(zmq.SUBSCRIBE, b"")
        deaf.connect(control.publisher.endpoint)
        with Subscriber(control.publisher.endpoint, ["watcher.last."]) as subscriber:
            subscriber.join(PATIENCE_S)
            for _ in range(100):
                control.run(lambda: [control.publisher.publish(started("web")) for _ in range(500)])
            control.run(lambda: control.publisher.publish(started("last")))

            message = subscriber.receive(PATIENCE_S)
            assert message is not None
            assert message[1]["seq"] == 50_001
    finally:
        deaf.close(linger=0)
        context.term()


def test_a_publisher_that_is_closed_takes_events_and_does_nothing(control: Served) -> None:
    control.run(control.publisher.close)
    control.run(lambda: control.publisher.publish(started("web")))


def test_where_nobody_publishes_joining_ends(tmp_path: Path) -> None:
    with Subscriber(f"ipc://{tmp_path}/none") as subscriber:
        assert subscriber.join(0.05) is False


# -- log lines ---------------------------------------------------------------------------------------------------------


def write(control: Served, text: bytes, pid: int = 11, watcher: str = "web") -> None:
    control.run(lambda: control.tail.add(Block(Origin(watcher, 1, pid, "stdout"), 1.0, text)))


def test_lines_are_published_while_somebody_follows_and_not_encoded_else(
    control: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[Any] = []
    real = log_publisher.log_frames
    monkeypatch.setattr(log_publisher, "log_frames", lambda batch: encoded.append(batch) or real(batch))

    write(control, b"nobody\n")
    with Subscriber(control.logs.endpoint, [log_prefix("web", 11)]) as subscriber:
        assert subscriber.join(PATIENCE_S)
        write(control, b"other\n", pid=12)
        write(control, b"one\ntwo\n")

        topic, message = subscriber.receive(PATIENCE_S) or ("", {})
        assert topic == "logs.web.11.stdout"
        assert [text for _, text in message["lines"]] == ["one", "two"]
    wait_until(lambda: control.run(lambda: control.logs._unsubscribe is None), "the feed's end")
    write(control, b"nobody\n")
    assert len(encoded) == 1


def test_a_follower_has_each_line_exactly_once(control: Served) -> None:
    """Lines are written all the while: before the subscription, between it and the snapshot, and after."""
    stop = threading.Event()
    written: list[bytes] = []

    def chatter() -> None:
        while not stop.is_set() and len(written) < 800:
            lines = [b"line %d" % (len(written) + position) for position in range(3)]
            written.extend(lines)
            write(control, b"\n".join(lines) + b"\n", pid=11 + len(written) % 2)
            time.sleep(0.0005)

    thread = threading.Thread(target=chatter)
    thread.start()
    seen: list[str] = []
    try:
        with Subscriber(control.logs.endpoint, [log_prefix()]) as subscriber, control.client() as client:
            wait_until(lambda: len(written) > 50, "lines before the subscription")
            subscriber.join(PATIENCE_S)
            join = LogJoin()
            seen += [record.text for record in join.snapshot(client.call("logs", limit=10_000)["lines"])]
            assert seen
            while len(seen) < 400:
                message = subscriber.receive(PATIENCE_S)
                assert message is not None
                records = join.follow(message[1])
                assert not any(record.is_after_gap for record in records)
                seen += [record.text for record in records]
    finally:
        stop.set()
        thread.join(PATIENCE_S)

    assert seen == [line.decode() for line in written[: len(seen)]]


def test_lines_that_a_slow_follower_missed_are_told(control: Served) -> None:
    with Subscriber(control.logs.endpoint, [log_prefix()], queue_length=1) as subscriber:
        subscriber.join(PATIENCE_S)
        join = LogJoin()
        join.snapshot([])
        # Some 24 MB: more than its queue, the publisher's and the kernel's hold while it doesn't read.
        for _ in range(400):
            write(control, b"x" * 60_000 + b"\n")
        has_gap = False
        while (message := subscriber.receive(0.5)) is not None:
            has_gap |= any(record.is_after_gap for record in join.follow(message[1]))
        # Whatever was dropped, it was before this line at the latest.
        write(control, b"last\n")
        message = subscriber.receive(PATIENCE_S)

        assert message is not None
        assert has_gap or join.follow(message[1])[0].is_after_gap
