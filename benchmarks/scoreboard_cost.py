"""What the scoreboard costs a request: the same small application with the layer and without it, in turns.

    python -m benchmarks.scoreboard_cost [--requests 200000] [--rounds 7]

Shows microseconds a request: the best round of each and their difference, and the same of the medians. On a machine
with other work the best rounds are the truer ones. Nothing is served: what a server does would hide a microsecond.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

from chaussette.scoreboard import Board, Slot
from chaussette.scoreboard.counting import scored

_BODY = b"Hello, world!\n"
_HEADERS = [("Content-Type", "text/plain"), ("Content-Length", str(len(_BODY)))]


def app(_environ: Any, start_response: Any) -> list[bytes]:
    """The smallest there is."""
    start_response("200 OK", _HEADERS)
    return [_BODY]


def seconds_of(served: Callable[..., Any], requests: int) -> float:
    """How long so many requests take."""
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/"}

    def start_response(_status: str, _headers: object, _exc_info: object = None) -> None:
        pass

    began = time.perf_counter()
    for _ in range(requests):
        served(environ, start_response)
    return time.perf_counter() - began


def main() -> None:
    """Measure, and show it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    board = Board.create("benchmark")
    place = board.assign(timeout_s=0, beat_s=5)
    assert place is not None
    slot = Slot(board.fd, *place)
    bare, counted = [], []
    for _ in range(options.rounds):
        bare.append(seconds_of(app, options.requests) / options.requests * 1e6)
        counted.append(seconds_of(scored(app, slot.words), options.requests) / options.requests * 1e6)
    for name, chosen in (("best", min), ("median", statistics.median)):
        without, with_it = chosen(bare), chosen(counted)
        print(f"{name:<7} without {without:.2f} us, with {with_it:.2f} us: {with_it - without:.2f} us a request")


if __name__ == "__main__":
    main()
