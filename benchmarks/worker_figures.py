"""What it costs circusd-stats to tell what workers serve, one tick of it: CPU in ms.

`python -m benchmarks.worker_figures --workers 1000 --busy 50` fills a scoreboard of its own, of whose workers so many
answer a request between two ticks, and prints a line for each step. There is no other process.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

from chaussette.scoreboard import Board, Slot, State, layout
from circus_stack.stats.aggregate import Totals
from circus_stack.stats.collect.particulars import Particulars
from circus_stack.stats.collect.reading import Reading
from circus_stack.stats.collect.sampler import Sample
from circus_stack.stats.messages import Content, Messages
from circus_stack.stats.serving import Serving

# No machine has them: the workers are words alone.
_FIRST_PID = 10**7


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=1000)
    parser.add_argument("--busy", type=int, default=50)
    parser.add_argument("--ticks", type=int, default=30)
    wanted = parser.parse_args()
    board = Board.create("benchmark")
    try:
        spent = _measure(board, wanted.workers, wanted.busy, wanted.ticks)
    finally:
        board.close()
    steps = ", ".join(f"{name} {1000 * seconds:.1f}" for name, seconds in spent.items())
    print(f"{wanted.workers} workers, {wanted.busy} busy, ms a tick: {steps}")


def _measure(board: Board, workers: int, busy: int, ticks: int) -> dict[str, float]:
    slots = {_FIRST_PID + number: _attached(board, _FIRST_PID + number) for number in range(workers)}
    serving, messages, spent = Serving(), Messages(2**34), dict.fromkeys(("look", "sum", "messages"), 0.0)
    serving.open(f"/proc/self/fd/{board.fd}")
    sample = Sample(0.0, 1.0, 2**20, 2**21, 1, Reading(0.5, 0.5, 2**20, 2**21, 1, 0, 1.0))
    nothing: dict[str, object] = {}
    who = {pid: Particulars(pid, "user", ("worker",), "worker", 1.0, True) for pid in slots}

    def tell() -> None:
        for pid in slots:
            messages.make(pid, Content(sample, who[pid], None, nothing, serving.details("web", pid)), float(tick))

    # The first two ticks have no interval, and fill what is kept.
    for tick in range(-2, ticks):
        for number, slot in enumerate(slots.values()):
            _live(slot, number < busy)
        timed = {
            "look": _cpu_of(lambda: serving.look({"web": slots})),
            "sum": _cpu_of(lambda: serving.with_served("web", Totals())),
            "messages": _cpu_of(tell),
        }
        for name, seconds in timed.items():
            spent[name] += seconds / ticks if tick >= 0 else 0.0
    return spent


def _attached(board: Board, pid: int) -> Slot:
    place = board.assign(timeout_s=0.0, beat_s=1.0)
    if place is None:
        raise SystemExit("the scoreboard has no room for so many")
    slot = Slot(board.fd, *place)
    slot.say(State.SERVING)
    slot.words[layout.PID] = pid
    return slot


def _live(slot: Slot, is_busy: bool) -> None:
    slot.beat()
    for word in (layout.BEGUN, layout.STATUSES + 2, layout.BUCKETS + 40) if is_busy else ():
        slot.words[word] += 1


def _cpu_of(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


if __name__ == "__main__":
    main()
