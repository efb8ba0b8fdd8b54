"""Header blocks that have come before: what llhttp made of the very same bytes, without asking it again.

A client sends the same headers with most of its requests. Nothing is judged here: a block is known once llhttp, and
what else refuses requests, has let it through twice below a line of HTTP/1.1, and it says nothing about a body, an
upgrade or the end of the connection. What is kept is bounded, and keyed by bytes that a client chose: what is full is
emptied, never trimmed.
"""

from __future__ import annotations

import re
from typing import Any

from chaussette.backends.fastgevent.body import NO_BODY
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

# What each request has of its own stands there already, so that no copy has to grow.
_OPEN: dict[str, Any] = {
    "REMOTE_ADDR": "",
    "REMOTE_PORT": "",
    "REQUEST_METHOD": "",
    "PATH_INFO": "",
    "QUERY_STRING": "",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "wsgi.input": NO_BODY,
}
# Method, PATH_INFO and QUERY_STRING of a request line.
Line = tuple[str, str, str]


class Known:
    """Shared by the connections of one listener: they have the same limits, and each of their environs begins with
    `base`."""

    __slots__ = ("_blocks", "_lines", "_seen", "_target_bytes", "base")

    def __init__(self, base: dict[str, Any], target_bytes: int) -> None:
        self.base = base
        self._target_bytes = target_bytes
        # Whole environs, but for the request line and what is the connection's own: to copy one costs a third of what
        # it costs to put it together.
        self._blocks: dict[bytes, dict[str, Any]] = {}
        self._lines: dict[bytes, Line] = {}
        self._seen: set[int] = set()

    def __len__(self) -> int:
        return len(self._blocks) + len(self._lines) + len(self._seen)

    def environ(self, data: bytes, own: dict[str, Any]) -> dict[str, Any] | None:
        """The environ of a request, where `data` is a whole one without a body; None where llhttp must look at it.

        `own` is what the connection adds."""
        end = data.find(b"\n") + 1
        block = self._blocks.get(data[end:])
        if block is None:
            return None
        line = self._lines.get(data[:end]) or self._line(data[:end])
        if line is None:
            return None
        environ = block.copy()
        environ["REQUEST_METHOD"], environ["PATH_INFO"], environ["QUERY_STRING"] = line
        environ.update(own)
        return environ

    def _line(self, raw: bytes) -> Line | None:
        """What a request line puts into an environ."""
        match = _LINE.fullmatch(raw)
        if match is None:
            return None
        target = match[2]
        if len(target) > self._target_bytes:
            return None
        path, query = split_target(target)
        line = match[1].decode("ascii"), path, query
        if len(raw) <= _LINE_BYTES:
            if len(self._lines) >= _LINES:
                self._lines.clear()
            self._lines[raw] = line
        return line

    def learn(self, data: bytes, environ: dict[str, Any], own: dict[str, Any]) -> None:
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
        if _EXCLUDED.isdisjoint(headers) and headers.keys().isdisjoint(self.base) and headers.keys().isdisjoint(own):
            if len(self._blocks) >= _BLOCKS:
                self._blocks.clear()
            self._blocks[block] = {**self.base, **_OPEN, **headers}
