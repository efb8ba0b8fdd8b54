"""Which ZeroMQ binding a blocking client uses: pyzmq's own, or the one that lets gevent's other greenlets run."""

from __future__ import annotations

import sys
from typing import Any


def blocking_zmq(context: Any = None) -> Any:
    """`zmq`, or `zmq.green` where the context that was given is its own, or in a program whose sockets gevent has
    patched: the plain one would stop its greenlets."""
    is_green = type(context).__module__.startswith("zmq.green")
    monkey = sys.modules.get("gevent.monkey")
    if is_green or (monkey is not None and monkey.is_module_patched("socket")):
        import zmq.green

        return zmq.green
    import zmq

    return zmq


def green_context() -> Any:
    """The ZeroMQ context for a program on gevent, patched or not: its sockets let other greenlets run."""
    import zmq.green

    return zmq.green.Context.instance()
