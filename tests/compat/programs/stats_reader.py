"""Circus's client of circusd-stats. Prints a line of JSON for each message, until it is killed.

usage: stats_reader.py ENDPOINT
"""

from __future__ import annotations

import json
import sys

from circus.stats.client import StatsClient


def main() -> None:
    for watcher, subtopic, stat in StatsClient(endpoint=sys.argv[1]):
        print(json.dumps([watcher, subtopic, stat]), flush=True)


if __name__ == "__main__":
    main()
