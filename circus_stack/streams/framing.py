"""From chunks as a pipe gives them to whole lines. Pure: bytes in, bytes out, and the rest kept until the next call."""

from __future__ import annotations

from circus_stack.streams.block import MAX_LINE


class LineFramer:
    """Holds back the line that has not ended yet, unless it has grown past `limit` bytes."""

    def __init__(self, limit: int = MAX_LINE) -> None:
        self._limit = limit
        self._rest: list[bytes] = []
        self._rest_size = 0

    @property
    def rest_size(self) -> int:
        """Bytes of the line that has not ended yet."""
        return self._rest_size

    def feed(self, data: bytes) -> bytes:
        """All lines that `data` completes, newlines included; empty while there is none.

        The result ends without a newline where the line that goes on is longer than the limit: that is a piece of it.
        """
        end = data.rfind(b"\n") + 1
        open_size = len(data) - end if end else self._rest_size + len(data)
        if open_size >= self._limit:
            return self._release(data)
        if not end:
            self._hold(data)
            return b""
        if end == len(data):
            return self._release(data)
        # A view, so that the bytes are copied once, where they meet those of the read before.
        whole = self._release(memoryview(data)[:end])
        self._hold(data[end:])
        return whole

    def flush(self) -> bytes:
        """The unfinished line, as it stands; empty if there is none."""
        return self._release(b"")

    @property
    def rest(self) -> bytes:
        """The unfinished line so far."""
        return b"".join(self._rest)

    def restore(self, rest: bytes) -> None:
        """Begin with an unfinished line."""
        if rest:
            self._hold(rest)

    def _hold(self, data: bytes) -> None:
        self._rest.append(data)
        self._rest_size += len(data)

    def _release(self, data: bytes | memoryview) -> bytes:
        if not self._rest:
            return bytes(data)
        whole = b"".join((*self._rest, data))
        self._rest.clear()
        self._rest_size = 0
        return whole
