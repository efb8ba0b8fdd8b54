"""python-engineio's websocket on gevent, with a bound on what a client may send: by itself it collects a message of any
size before it looks at it."""

from __future__ import annotations

from typing import Any


def bounded_websocket(kind: Any, most_bytes: int) -> Any:
    """The class of the driver, whose messages have `most_bytes` at most; longer ones end the connection."""

    class BoundedWebSocket(kind):  # type: ignore[misc]
        def __init__(self, handler: Any, server: Any) -> None:
            super().__init__(handler, server)
            self.server_args["max_message_size"] = most_bytes

    return BoundedWebSocket
