"""The control endpoint as any client sees it: a DEALER socket that sends JSON, and nothing of either package."""

from __future__ import annotations

import itertools
import json
import time
from typing import Any

import zmq

from tests.support.waiting import PATIENCE_S

Reply = dict[str, Any]

# Circus refuses any change while another one runs; ours queues it. The refused request has changed nothing.
_BUSY = ("arbiter is already running", "arbiter is restarting")


class Wire:
    """One client of one daemon."""

    def __init__(self, endpoint: str) -> None:
        self._context: zmq.Context[Any] = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.connect(endpoint)
        self._numbers = itertools.count(1)
        self.conflicts = 0

    def send(self, message: Any) -> None:
        """Bytes as they are; anything else as JSON."""
        self._socket.send(message if isinstance(message, bytes) else json.dumps(message).encode())

    def receive(self, timeout_s: float = PATIENCE_S) -> Reply | None:
        """The next reply; None where none comes in time."""
        if not self._socket.poll(timeout_s * 1000):
            return None
        reply: Reply = json.loads(self._socket.recv())
        return reply

    def ask(self, message: Any, *, timeout_s: float = PATIENCE_S) -> Reply | None:
        """Send, and the reply; asked again while the released daemon is busy with something else."""
        deadline = time.monotonic() + 2 * PATIENCE_S
        while True:
            self.send(message)
            reply = self.receive(timeout_s)
            if reply is None or not str(reply.get("reason", "")).startswith(_BUSY):
                return reply
            assert time.monotonic() < deadline, f"busy for too long: {reply}"
            self.conflicts += 1
            time.sleep(0.02)

    def call(self, command: str, /, **properties: Any) -> Reply:
        """A command that is answered."""
        message = {"id": f"{next(self._numbers):032x}", "command": command, "properties": properties}
        reply = self.ask(message)
        assert reply is not None, f"no answer to {message}"
        assert reply["id"] == message["id"], (message, reply)
        return reply

    def close(self) -> None:
        self._socket.close()
        self._context.term()
