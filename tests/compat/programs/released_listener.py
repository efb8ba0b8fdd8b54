"""Circus's subscriber of events. Prints a line of JSON for each event, until a watcher has stopped.

usage: released_listener.py PUBSUB WATCHER
"""

from __future__ import annotations

import json
import sys

from circus.consumer import CircusConsumer


def main() -> None:
    pubsub, watcher = sys.argv[1:]
    for topic, message in CircusConsumer(["watcher."], endpoint=pubsub, timeout=0.1):
        print(json.dumps([topic.decode(), sorted(json.loads(message))]), flush=True)
        if topic.decode() == f"watcher.{watcher}.stop":
            return


if __name__ == "__main__":
    main()
