"""locust as its own command runs it, which writes down in addition how long it counted and what it used meanwhile.

`counted.py FILE ...locust's own words`. Its JSON has the times of the first and the last answers alone: of users who
all ask once a second, three answers each lie within two seconds.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import psutil
from locust import events
from locust.main import main
from locust.runners import WorkerRunner


class _Window:
    """From when all users are there until the end; of users who come and go in a shape, the whole run."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._began, self._used_s = time.monotonic(), _used_s()

    def begin(self, **_: Any) -> None:
        self._began, self._used_s = time.monotonic(), _used_s()

    def end(self, **_: Any) -> None:
        found = {"seconds": time.monotonic() - self._began, "cpu_s": _used_s() - self._used_s}
        self._path.write_text(json.dumps(found))


def _used_s() -> float:
    """Of a processor, by this process and the ones that it has started."""
    used = time.process_time()
    for each in psutil.Process().children(recursive=True):
        try:
            used += sum(each.cpu_times()[:2])
        except psutil.NoSuchProcess:
            continue
    return used


def _watch(path: Path) -> None:
    def on_init(environment: Any, runner: Any, **_: Any) -> None:
        has_shape = environment.shape_class is not None
        # Each stage of a shape would forget the ones before.
        environment.reset_stats = not has_shape
        if isinstance(runner, WorkerRunner):
            return
        window = _Window(path)
        events.test_start.add_listener(window.begin)
        if not has_shape:
            events.spawning_complete.add_listener(window.begin)
        events.test_stopping.add_listener(window.end)

    events.init.add_listener(on_init)


if __name__ == "__main__":
    _watch(Path(sys.argv.pop(1)))
    # As with `python -m`: the modules beside this file are none of the user's.
    sys.path[0] = os.getcwd()  # noqa: PTH109 - what `python -m` puts there
    main()
