"""QueueStream: records into a queue in memory, for programs that embed an arbiter and for their tests."""

from __future__ import annotations

import queue
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from circus_stack.streams.place import Place
from circus_stack.streams.sinks.foreign import ForeignSink

# Nobody can reach the queue of a configuration file; it must not fill the memory.
MAX_RECORDS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueOptions:
    """Options of QueueStream: none."""


class QueueStream(queue.Queue[Mapping[str, Any]]):
    """A queue that is called with the records of `ForeignSink`; the oldest goes where nobody takes any out."""

    def __init__(self, **_options: object) -> None:
        super().__init__(MAX_RECORDS)

    def __call__(self, record: Mapping[str, Any]) -> None:
        """Put a record in; never waits."""
        while True:
            try:
                self.put_nowait(record)
                return
            except queue.Full:
                self._drop_oldest()

    def _drop_oldest(self) -> None:
        try:
            self.get_nowait()
        except queue.Empty:
            return

    def close(self) -> None:
        """What is in the queue stays there."""


def open_queue(options: QueueOptions, place: Place) -> ForeignSink:  # noqa: ARG001
    """QueueStream."""
    return ForeignSink(QueueStream())
