"""What the scoreboard costs a request: the same small application with the layer and without it, in turns.

    python -m benchmarks.scoreboard_cost [--requests 2000] [--rounds 300] [--most 2.0]

Shows microseconds a request: the best round of each and their difference, and the same of the medians. The rounds are
short and many: beside other work some are left alone, and the best of them is what the layer itself costs. The exit
status is 1 where that is more than --most. Nothing is served: what a server does would hide a microsecond.
"""

from __future__ import annotations

import argparse
import statistics
import sys
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


def main() -> int:
    """Measure, and show it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--most", type=float, default=2.0, help="microseconds a request, of the best rounds")
    options = parser.parse_args()
    board = Board.create("benchmark")
    place = board.assign(timeout_s=0, beat_s=5)
    assert place is not None
    layered = scored(app, Slot(board.fd, *place).words, place[1])
    bare, counted = [], []
    for _ in range(options.rounds):
        bare.append(seconds_of(app, options.requests) / options.requests * 1e6)
        counted.append(seconds_of(layered, options.requests) / options.requests * 1e6)
    for name, chosen in (("median", statistics.median), ("best", min)):
        without, with_it = chosen(bare), chosen(counted)
        print(f"{name:<7} without {without:.2f} us, with {with_it:.2f} us: {with_it - without:.2f} us a request")
    is_met = min(counted) - min(bare) <= options.most
    print(f"at most {options.most:g} us: {'ok' if is_met else 'MISSED'}")
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())
