"""Log lines as a viewer wants them: a snapshot, then what follows, without a hole or a double. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct


class LogRecord(Struct, frozen=True):
    """One line. `time` is seconds since the epoch; `is_after_gap` tells that lines before it were lost on the way."""

    seq: int
    watcher: str
    wid: int
    pid: int
    stream: str
    time: float
    text: str
    is_after_gap: bool = False


class LogJoin:
    """Joins the snapshot of `logs` with the batches of the log endpoint, by their numbers."""

    def __init__(self, watcher: str | None = None, pid: int | None = None, stream: str | None = None) -> None:
        self._watcher = None if watcher is None else watcher.lower()
        self._pid = pid
        self._stream = stream
        self._newest = -1
        self._newest_of: dict[tuple[str, int, str], int] = {}

    def snapshot(self, lines: Sequence[Mapping[str, Any]]) -> list[LogRecord]:
        """The `lines` of a reply to `logs`; to be called first."""
        records = [
            LogRecord(
                line["seq"], line["watcher"], line["wid"], line["pid"], line["stream"], line["time"], line["data"]
            )
            for line in lines
        ]
        self._newest = max((record.seq for record in records), default=-1)
        return records

    def follow(self, batch: Mapping[str, Any]) -> list[LogRecord]:
        """The lines of a batch that are wanted and that were not in the snapshot."""
        if not self._is_wanted(batch):
            return []
        origin = (batch["watcher"], batch["pid"], batch["stream"])
        seen = max(self._newest, self._newest_of.get(origin, -1))
        lines = [(seq, text) for seq, text in batch["lines"] if seq > seen]
        if not lines:
            return []
        self._newest_of[origin] = lines[-1][0]
        previous = batch.get("previous")
        # Who asked for no line that is kept cannot know how far they went.
        has_gap = previous is not None and previous > seen >= 0
        return [
            LogRecord(seq, *_origin(batch), text, is_after_gap=has_gap and index == 0)
            for index, (seq, text) in enumerate(lines)
        ]

    def _is_wanted(self, batch: Mapping[str, Any]) -> bool:
        # A subscription is a prefix: that of `web` also brings the lines of a watcher named `web.eu`.
        if self._watcher is not None and batch["watcher"].lower() != self._watcher:
            return False
        return self._pid in (None, batch["pid"]) and self._stream in (None, batch["stream"])


def _origin(batch: Mapping[str, Any]) -> tuple[str, int, int, str, float]:
    return batch["watcher"], batch["wid"], batch["pid"], batch["stream"], batch["time"]
