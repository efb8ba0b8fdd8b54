"""Sinks that a user wrote for Circus: any class whose instance is called with a dict."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from circus_stack.streams.block import Block
from circus_stack.streams.sink import SinkError, Tick


class ForeignSink:
    """Calls `instance({"data": bytes, "pid": int, "name": "stdout" or "stderr", "timestamp": float})`.

    `data` holds one line or more, each whole; `timestamp` is in seconds since the epoch. `open()` is called before the
    first, `close()` after the last, if the instance has them. An exception loses that one call's lines, which are
    counted and told; the next lines are tried again.
    """

    def __init__(self, instance: Callable[[Mapping[str, Any]], object]) -> None:
        self._instance = instance
        self._is_open = False

    def write(self, blocks: Sequence[Block], tick: Tick) -> None:
        """A call a block; SinkError names the blocks whose call failed."""
        lost: list[Block] = []
        reason = ""
        for block in blocks:
            try:
                self._call(block)
            except Exception as error:
                lost.append(block)
                reason = f"failed: {type(error).__name__}: {error}"
            tick()
        if lost:
            raise SinkError(reason, lost)

    def close(self) -> None:
        """The instance's own `close`, if its `open` was called."""
        if self._is_open:
            self._is_open = False
            _call_if_there(self._instance, "close")

    def _call(self, block: Block) -> None:
        if not self._is_open:
            _call_if_there(self._instance, "open")
            self._is_open = True
        self._instance(
            {
                "data": block.data,
                "pid": block.origin.pid,
                "name": block.origin.stream,
                "timestamp": block.time,
            }
        )


def _call_if_there(instance: object, name: str) -> None:
    method = getattr(instance, name, None)
    if callable(method):
        method()
