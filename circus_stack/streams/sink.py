"""What a sink is: the contract between the thread that writes and the place that is written to. No code that acts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from circus_stack.streams.block import Block

Tick = Callable[[], None]
"""Said by a sink each time something was written: a slow sink is not a stuck one."""


class Sink(Protocol):
    """A place for blocks of lines. All calls come from one thread, never the loop's, and may block."""

    def write(self, blocks: Sequence[Block], tick: Tick) -> None:
        """Write all of it, or raise: SinkError says what is lost, any other exception means all of `blocks`."""

    def close(self) -> None:
        """Nothing more will come."""


class SinkError(Exception):
    """A write failed; `lost` are the blocks, or what is left of them, that were not written."""

    def __init__(self, reason: str, lost: Sequence[Block]) -> None:
        self.lost = tuple(lost)
        super().__init__(reason)
