"""A section [plugin:NAME] with a plugin of a user's: both sides run it as the same watcher, and it hears the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.compat.daemons import on_both, start
from tests.support.stack import Room
from tests.support.waiting import wait_until

PROGRAMS = Path(__file__).parent / "programs"
INI = """
[watcher:web]
cmd = sleep 600
ready = delay:0.02
autostart = False

[plugin:writer]
use = event_writer.EventWriter
out = @dir@/written
about = web
colour = red
"""
SHOWN = ("singleton", "priority", "numprocesses", "respawn", "stop_signal")


def test_a_plugin_of_the_ini_runs_on_both_sides(place: Room) -> None:
    place.environ["PYTHONPATH"] = str(PROGRAMS)
    found = on_both(lambda side: go(place, side))

    assert found["ours"] == found["theirs"]


def go(place: Room, side: str) -> dict[str, Any]:
    """What the plugin is to the daemon, and what it wrote of the first start of `web` that it heard of."""
    daemon = start(place, side, INI)
    path = daemon.directory / "written"

    def lines() -> list[Any]:
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def has_heard() -> bool:
        # Nothing is heard before the subscription has come.
        daemon.call("stop", name="web", waiting=True)
        daemon.call("start", name="web", waiting=True)
        return ["asked", "active"] in lines()

    try:
        wait_until(has_heard, "an event in the plugin", pause_s=0.3, detail=daemon.stack.output)
        options = daemon.call("get", name="plugin:writer", keys=list(SHOWN))["options"]
        return {
            "list": daemon.call("list")["watchers"],
            "status": daemon.call("status", name="plugin:writer")["status"],
            "options": options,
            "first": lines()[0],
            "heard": {tuple(each[:2]) for each in lines() if each[0] == "web"} >= {("web", "spawn"), ("web", "start")},
        }
    finally:
        daemon.close()
