"""The busiest processes of a stack, each time that circusd-stats has looked at them.

python examples/monitoring/busiest.py                       the running stack of this user
python examples/monitoring/busiest.py --rounds 1            one look
python examples/monitoring/busiest.py --endpoint tcp://node2:5555 --key me.key
"""

from __future__ import annotations

import argparse
import os
import sys
from itertools import islice

from circus_stack.client.credentials import read_credentials
from circus_stack.client.stats.records import ProcessStats, Snapshot, StackStats
from circus_stack.client.stats.sync import StatsClient
from circus_stack.errors import CircusStackError

_MIB = 1024 * 1024
_SHOWN = 5


def main() -> None:
    words = argparse.ArgumentParser(description="The busiest processes of a stack.")
    words.add_argument("--endpoint", help="command endpoint of an arbiter")
    words.add_argument("--key", help="your key, for an arbiter that asks for one")
    words.add_argument("--rounds", type=int, help="end after so many looks")
    given = words.parse_args()
    try:
        with connect(given.endpoint, given.key) as stats:
            watch(stats, given.rounds)
    except KeyboardInterrupt:
        sys.exit(130)
    except CircusStackError as error:
        sys.exit(f"busiest.py: {error}")


def connect(endpoint: str | None, key: str | None) -> StatsClient:
    if endpoint is None:
        return StatsClient.find(os.environ)
    return StatsClient.connect(endpoint, credentials=read_credentials(key) if key else None)


def watch(stats: StatsClient, rounds: int | None) -> None:
    """The sum over the stack is published after each round of samples; then the snapshot has something new."""
    with stats.subscribe() as records:
        for _ in islice((each for each in records if isinstance(each, StackStats)), rounds):
            show(stats.snapshot())


def show(snapshot: Snapshot) -> None:
    processes = sorted(snapshot.processes.values(), key=cpu_of, reverse=True)
    print(f"{snapshot.stack.processes} processes, {snapshot.stack.figures.cpu} % of a core")
    for process in processes[:_SHOWN]:
        memory = (process.figures.rss or 0) / _MIB
        print(f"{process.pid:>8} {process.watcher:<12} {cpu_of(process):6.1f} % {memory:8.1f} MiB  {process.command}")
    sys.stdout.flush()


def cpu_of(process: ProcessStats) -> float:
    return process.figures.cpu or 0.0


if __name__ == "__main__":
    main()
