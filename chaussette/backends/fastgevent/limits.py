"""What a client may ask for, in bytes, numbers and seconds. Values only."""

from __future__ import annotations

from dataclasses import dataclass

from chaussette.settings import Settings


@dataclass(frozen=True)
class Limits:
    """Bounds of one connection. Sizes are bytes, times seconds; `body` 0: none.

    `head_s`: from the first byte of a request to the end of its head. `body_s`: between two pieces of a body.
    `send_s`: between two pieces that the client takes. `idle_s`: until the next request begins.
    """

    target: int = 8190
    headers: int = 100
    head: int = 65536
    body: int = 0
    head_s: float = 30.0
    body_s: float = 60.0
    send_s: float = 60.0
    idle_s: float = 75.0

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """As the program was told."""
        return cls(
            target=settings.max_request_line,
            headers=settings.max_headers,
            head=settings.max_head_size,
            body=settings.max_body_size,
            head_s=settings.head_timeout,
            body_s=settings.body_timeout,
            send_s=settings.send_timeout,
            idle_s=settings.keepalive_timeout,
        )
