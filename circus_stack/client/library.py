"""Which ZeroMQ binding a blocking client uses: pyzmq's own, or the one that lets gevent's other greenlets run."""

from __future__ import annotations

import sys
from typing import Any


def blocking_zmq() -> Any:
    """`zmq`, or `zmq.green` in a program whose sockets gevent has patched: the plain one would stop its greenlets."""
    monkey = sys.modules.get("gevent.monkey")
    if monkey is not None and monkey.is_module_patched("socket"):
        import zmq.green

        return zmq.green
    import zmq

    return zmq


def green_context() -> Any:
    """The ZeroMQ context for a program on gevent, patched or not: its sockets let other greenlets run."""
    import zmq.green

    return zmq.green.Context.instance()
