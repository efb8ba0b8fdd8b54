"""Requests that are not served: why, and what the client is told before its connection is closed."""

from __future__ import annotations

from http import HTTPStatus

# The reasons of RFC 9110, in place of Python's older ones.
_REASONS = {413: "Content Too Large", 414: "URI Too Long", 431: "Request Header Fields Too Large"}


class RequestRefusedError(Exception):
    """A request that must not be answered by the application. After it nothing of the connection can be trusted."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


def refusal_bytes(refusal: RequestRefusedError, extra: bytes) -> bytes:
    """The whole response; `extra` are more header lines, each with its end."""
    title = _REASONS.get(refusal.status) or HTTPStatus(refusal.status).phrase
    body = f"{refusal.status} {title}: {refusal.reason}\n".encode("latin-1", "replace")
    head = (
        f"HTTP/1.1 {refusal.status} {title}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n"
    )
    return b"".join([head.encode("latin-1"), extra, b"\r\n", body])
