"""What stands before a TCP endpoint: the arbiter's secret key, and the endpoint beside it that this user's own programs
use. Sets options of a socket, binds nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import zmq

# Any name: with it, a socket whose authenticator is missing lets nobody in, in place of everybody.
_DOMAIN = b"circus-stack"


@dataclass(frozen=True, slots=True)
class Guard:
    """For one endpoint. `beside` is a private ipc address, bound where the endpoint is TCP: who can open its file needs
    no key."""

    secret: str = field(repr=False)
    beside: str

    def stand_before(self, socket: zmq.Socket[Any]) -> None:
        """All addresses that the socket is bound to from now on take only clients with an authorised key."""
        socket.setsockopt(zmq.CURVE_SERVER, 1)
        socket.setsockopt(zmq.CURVE_SECRETKEY, self.secret.encode())
        socket.setsockopt(zmq.ZAP_DOMAIN, _DOMAIN)
        socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)

    def near(self, endpoint: str) -> str:
        """Where programs of this user connect to, for an endpoint that was bound."""
        return self.beside if is_guarded(endpoint) else endpoint


def is_guarded(endpoint: str) -> bool:
    """Whether a guard would stand before an endpoint: the file of an ipc endpoint has its mode."""
    return endpoint.startswith("tcp://")
