"""Blocks of several processes into one sequence of bytes, each line of it from one process. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from circus_stack.streams.block import Block, Origin

Join = Callable[[Sequence[Block]], bytes]
"""The bytes to write for some blocks."""


class RawJoiner:
    """Bytes as they came; a newline of its own only where another's line would begin within an unfinished one."""

    def __init__(self) -> None:
        self._unfinished: Origin | None = None

    def join(self, blocks: Sequence[Block]) -> bytes:
        """The bytes to write for `blocks`."""
        parts: list[bytes] = []
        for block in blocks:
            if self._unfinished is not None and self._unfinished != block.origin:
                parts.append(b"\n")
            parts.append(block.data)
            self._unfinished = block.origin if block.is_open else None
        return parts[0] if len(parts) == 1 else b"".join(parts)


class PrefixJoiner:
    """Joins blocks with `<time> [<pid>] | ` before each line, as Circus writes it; `[<pid>] | ` without a form of the
    time (strftime, local time)."""

    def __init__(self, time_format: str) -> None:
        self._time_format = time_format

    def join(self, blocks: Sequence[Block]) -> bytes:
        """The bytes to write for `blocks`."""
        return b"".join(prefix_lines(block.data, self._prefix(block).encode()) for block in blocks)

    def _prefix(self, block: Block) -> str:
        return prefix_of(block, self._time_format) if self._time_format else f"[{block.origin.pid}] | "


def joiner(time_format: str, *, with_pid: bool) -> Join:
    """What the options `time_format` and `pid` ask for."""
    return PrefixJoiner(time_format).join if time_format or with_pid else RawJoiner().join


def prefix_of(block: Block, time_format: str) -> str:
    """`<time> [<pid>] | `."""
    return f"{datetime.fromtimestamp(block.time).strftime(time_format)} [{block.origin.pid}] | "


def prefix_lines(data: bytes, prefix: bytes, suffix: bytes = b"") -> bytes:
    """`prefix` before and `suffix` after each line of `data`; the last line gets a newline if it has none. `data` is
    not empty."""
    body = data.removesuffix(b"\n")
    return prefix + body.replace(b"\n", suffix + b"\n" + prefix) + suffix + b"\n"
