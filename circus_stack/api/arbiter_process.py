"""The arbiter of a program on gevent, in a process of its own: what that process does. It ends with the program."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import signal
import sys
import threading
from typing import Any, BinaryIO

from msgspec import Struct

from circus_stack.api.embedding import run_stack
from circus_stack.config.schema import StackConfig
from circus_stack.errors import CircusStackError

# How the program starts it: with its own path for modules, the descriptor that it is told by, and the one that it
# reports to.
PROGRAM = """\
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from circus_stack.api.arbiter_process import main
main(int(sys.argv[2]), int(sys.argv[3]))
"""


class Orders(Struct, frozen=True):
    """What the program wants to be run, pickled: both sides are the same program, and nobody else holds the pipe."""

    stack: StackConfig
    source: str


def main(lifeline: int, report: int) -> None:
    """Run what `lifeline` says until somebody asks for the end, or until its other end is closed: the program is gone
    then. A line of JSON each goes to `report`: {"bound": [endpoint, pubsub_endpoint]}, {"up": true}, {"error": text}.
    """
    for fd in (lifeline, report):
        # No worker may hold the ends of them open.
        os.set_inheritable(fd, False)
    told = os.fdopen(lifeline, "rb")
    orders: Orders = pickle.load(told)
    threading.Thread(target=_end_with, args=(told,), name="lifeline", daemon=True).start()
    try:
        run_stack(
            lambda: orders.stack,
            orders.source,
            is_embedded=False,
            on_bound=lambda *endpoints: _tell(report, bound=endpoints),
            on_up=lambda: _tell(report, up=True),
        )
    except CircusStackError as error:
        _tell(report, error=str(error))
        sys.exit(1)


def _end_with(lifeline: BinaryIO) -> None:
    with contextlib.suppress(OSError):
        lifeline.read()
    os.kill(os.getpid(), signal.SIGTERM)


def _tell(report: int, **what: Any) -> None:
    # The program may be gone: the end is on its way then.
    with contextlib.suppress(OSError):
        os.write(report, json.dumps(what).encode() + b"\n")
