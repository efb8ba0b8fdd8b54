"""Who answers a request: the worker process and the WSGI server it runs on."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

# The style sheet has that many colours for workers.
HUES = 12


class Server(NamedTuple):
    """`pid` of the worker, `software` as the server calls itself, `hue` a steady colour number below HUES."""

    pid: int
    software: str
    hue: int


def server_of(request: Any) -> Server:
    """Who answers `request`. The pid is asked for each time, since a worker may have been forked."""
    pid = os.getpid()
    return Server(pid, str(request.environ.get("SERVER_SOFTWARE") or "unknown"), pid % HUES)
