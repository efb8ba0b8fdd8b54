"""Blocks of several processes into one sequence of bytes, each line of it from one process. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from circus_stack.streams.block import Block, Origin


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


def prefix_lines(data: bytes, prefix: bytes) -> bytes:
    """`prefix` before each line of `data`; the last line gets a newline if it has none. `data` is not empty."""
    body = data.removesuffix(b"\n")
    return prefix + body.replace(b"\n", b"\n" + prefix) + b"\n"
