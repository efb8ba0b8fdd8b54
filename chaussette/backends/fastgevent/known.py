"""Header blocks that have come before: what llhttp made of the very same bytes, without asking it again.

A client sends the same headers with most of its requests. Nothing is judged here: a block is known once llhttp, and
what else refuses requests, has let it through twice below a line of HTTP/1.1, and it says nothing about a body, an
upgrade or the end of the connection. What is kept is bounded, and keyed by bytes that a client chose: what is full is
emptied, never trimmed.
"""

from __future__ import annotations

import re
from typing import Any

from chaussette.backends.fastgevent.environ import split_target

_BLOCKS = 256
_BLOCK_BYTES = 2048
_LINES = 1024
_LINE_BYTES = 256
_SEEN = 1024
# Narrower than what llhttp takes; any other line is llhttp's affair.
_LINE = re.compile(rb"(GET|HEAD|OPTIONS|DELETE) (/[A-Za-z0-9._~:/?@!$&'()*+,;=%-]*) HTTP/1\.1\r\n")
# Those that end a connection or frame a body depend on more than their own bytes.
_EXCLUDED = frozenset({"CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING", "HTTP_UPGRADE", "HTTP_EXPECT", "HTTP_TE"})

Line = dict[str, str]


class Known:
    """Shared by the connections of one server: they have the same limits."""

    __slots__ = ("_blocks", "_lines", "_seen", "_target_bytes")

    def __init__(self, target_bytes: int) -> None:
        self._target_bytes = target_bytes
        self._blocks: dict[bytes, dict[str, str]] = {}
        self._lines: dict[bytes, Line] = {}
        self._seen: set[int] = set()

    def __len__(self) -> int:
        return len(self._blocks) + len(self._lines) + len(self._seen)

    def environ(self, data: bytes, base: dict[str, Any]) -> dict[str, Any] | None:
        """The environ of a request, where `data` is a whole one without a body; None where llhttp must look at it."""
        end = data.find(b"\n") + 1
        block = self._blocks.get(data[end:])
        if block is None:
            return None
        line = self._lines.get(data[:end]) or self._line(data[:end])
        if line is None:
            return None
        return {**base, **block, **line}

    def _line(self, raw: bytes) -> Line | None:
        """What a request line puts into an environ."""
        match = _LINE.fullmatch(raw)
        if match is None:
            return None
        target = match[2]
        if len(target) > self._target_bytes:
            return None
        path, query = split_target(target)
        line = {
            "REQUEST_METHOD": match[1].decode("ascii"),
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_PROTOCOL": "HTTP/1.1",
        }
        if len(raw) <= _LINE_BYTES:
            if len(self._lines) >= _LINES:
                self._lines.clear()
            self._lines[raw] = line
        return line

    def learn(self, data: bytes, environ: dict[str, Any], base: dict[str, Any]) -> None:
        """`data` was a whole request of HTTP/1.1 without a body that keeps its connection, and became `environ`."""
        end = data.find(b"\n") + 1
        block = data[end:]
        if len(block) > _BLOCK_BYTES or not _LINE.fullmatch(data[:end]):
            return
        sign = hash(block)
        if sign not in self._seen:
            # Most that come once come never again, and to keep them would cost as much as to parse them.
            if len(self._seen) >= _SEEN:
                self._seen.clear()
            self._seen.add(sign)
            return
        headers = {key: value for key, value in environ.items() if key.startswith(("HTTP_", "CONTENT_"))}
        if _EXCLUDED.isdisjoint(headers) and headers.keys().isdisjoint(base):
            if len(self._blocks) >= _BLOCKS:
                self._blocks.clear()
            self._blocks[block] = headers
