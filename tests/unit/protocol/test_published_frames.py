"""What is published: topics, events and log lines, and their way back."""

from __future__ import annotations

import json

import pytest

from circus_stack import events
from circus_stack.events import ConfigApplied, Event, ProcessReady, ProcessReaped
from circus_stack.protocol.frames import (
    EVENT_KINDS,
    LogBatch,
    event_frames,
    is_sync,
    log_frames,
    parse_event,
    parse_frames,
    sync_frames,
    topic_of,
)
from circus_stack.protocol.topics import event_topic, log_prefix, log_topic, sync_topic

REAPED = ProcessReaped(watcher="Big One", time=1.5, process_pid=7, exit_code=-9, expected=False)


def test_an_event_has_two_frames_a_three_part_topic_and_a_number() -> None:
    topic, message = event_frames(REAPED, 12)

    assert topic == b"watcher.big_one.reap"
    assert json.loads(message) == {
        "watcher": "Big One",
        "time": 1.5,
        "process_pid": 7,
        "exit_code": -9,
        "expected": False,
        "seq": 12,
    }


@pytest.mark.parametrize(
    "event",
    [
        REAPED,
        ProcessReady(watcher="web", time=1.0, process_pid=7, wid=1, after_s=0.25),
        ConfigApplied(watcher="circus", time=1.0, changes=("a", "b")),
    ],
)
def test_an_event_survives_the_journey(event: Event) -> None:
    assert parse_event(*parse_frames(event_frames(event, 1))) == event


def test_every_event_has_a_topic_of_its_own() -> None:
    names = {name for name, kind in vars(events).items() if isinstance(kind, type) and issubclass(kind, Event)}

    assert {kind.__name__ for kind in EVENT_KINDS.values()} == names - {"Event"}


def test_events_that_are_not_known_are_passed_over() -> None:
    assert parse_event("watcher.web.levitated", {"watcher": "web", "time": 1.0}) is None
    assert parse_event("watcher.web.reap", {"watcher": "web"}) is None


@pytest.mark.parametrize("frames", [[], [b"topic"], [b"topic", b"garbage"], [b"topic", b"[]"], [b"a", b"{}", b"b"]])
def test_what_is_no_published_message_is_a_value_error(frames: list[bytes]) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_frames(frames)


def test_log_lines_travel_in_batches() -> None:
    batch = LogBatch("Big One", 2, 7, "stderr", 1.5, [(10, b"one"), (14, b"caf\xe9")], previous=3)

    topic, message = parse_frames(log_frames(batch))

    assert topic == "logs.big_one.7.stderr"
    assert message == {
        "watcher": "Big One",
        "wid": 2,
        "pid": 7,
        "stream": "stderr",
        "time": 1.5,
        "previous": 3,
        "lines": [[10, "one"], [14, "caf\N{REPLACEMENT CHARACTER}"]],
    }


def test_subscriptions_are_beginnings_of_topics() -> None:
    topic = log_topic("Big One", 7, "stdout")

    assert topic.startswith(log_prefix())
    assert topic.startswith(log_prefix("big one"))
    assert topic.startswith(log_prefix("BIG ONE", 7))
    assert not topic.startswith(log_prefix("big one", 71))
    assert topic_of(REAPED) == event_topic("Big One", "reap")


def test_a_sync_topic_has_three_parts_and_is_nothing_to_show() -> None:
    topic, message = parse_frames(sync_frames(sync_topic("abc"), 9))

    assert len(topic.split(".")) == 3
    assert is_sync(topic)
    assert message == {"seq": 9}
    assert not is_sync(event_topic("sync", "start"))
