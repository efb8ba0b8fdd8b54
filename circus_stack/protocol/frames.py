"""Published messages: two frames each, `[topic, json]`, from values and back. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct, ValidationError, convert
from msgspec.structs import asdict

from circus_stack import events
from circus_stack.events import Event
from circus_stack.protocol.codec import decode, encode
from circus_stack.protocol.topics import SYNC, event_topic, log_topic

Frames = list[bytes]

EVENT_KINDS = {
    kind.topic: kind
    for kind in vars(events).values()
    if isinstance(kind, type) and issubclass(kind, Event) and kind is not Event
}


def topic_of(event: Event) -> str:
    """The topic that an event is published under."""
    return event_topic(event.watcher, event.topic)


def event_frames(event: Event, seq: int) -> Frames:
    """An event and its number. The watcher stands in the topic, and with its case and blanks in the JSON."""
    return [topic_of(event).encode(), encode({**asdict(event), "seq": seq})]


def parse_event(topic: str, message: dict[str, Any]) -> Event | None:
    """The event of a published message; None for one that this version doesn't know, or that lacks a field."""
    kind = EVENT_KINDS.get(topic.rpartition(".")[2])
    if kind is None:
        return None
    try:
        return convert(message, kind)
    except ValidationError:
        return None


class LogBatch(Struct, frozen=True):
    """Lines of one stream of one process that were read together, at `time` (seconds since the epoch).

    `lines` are pairs of a number and the bytes without their newline. `previous` is the number of the line that was
    sent before on the same topic, or None: a subscriber that saw another number before has missed lines.
    """

    watcher: str
    wid: int
    pid: int
    stream: str
    time: float
    lines: Sequence[tuple[int, bytes]]
    previous: int | None = None

    @property
    def topic(self) -> str:
        """The topic that the batch is published under."""
        return log_topic(self.watcher, self.pid, self.stream)


def log_frames(batch: LogBatch) -> Frames:
    """A batch as `{watcher, wid, pid, stream, time, previous, lines: [[seq, text], ...]}`.

    Bytes that are not UTF-8 travel as U+FFFD: the sinks keep them as they were.
    """
    return [batch.topic.encode(), encode(log_fields(batch))]


def log_fields(batch: LogBatch) -> dict[str, Any]:
    """The JSON of a batch, as a dict."""
    return {
        "watcher": batch.watcher,
        "wid": batch.wid,
        "pid": batch.pid,
        "stream": batch.stream,
        "time": batch.time,
        "previous": batch.previous,
        "lines": [(seq, data.decode("utf-8", "replace")) for seq, data in batch.lines],
    }


def sync_frames(topic: str, seq: int) -> Frames:
    """The answer to a subscription to `sync.TOKEN.ready`; `seq` is the number of the newest message."""
    return [topic.encode(), encode({"seq": seq})]


def is_sync(topic: str) -> bool:
    """Whether a message belongs to the joining of some subscriber, and is nothing to show."""
    return topic.startswith(f"{SYNC}.")


def parse_frames(frames: Sequence[bytes]) -> tuple[str, dict[str, Any]]:
    """Topic and JSON of a published message; raises ValueError for anything else."""
    if len(frames) != 2:
        raise ValueError(f"{len(frames)} frames in place of two")
    message = decode(frames[1])
    if not isinstance(message, dict):
        raise ValueError("the message is not an object")
    return frames[0].decode("utf-8", "replace"), message
