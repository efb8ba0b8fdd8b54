"""Circus's own client library: what it gets of our circusd is what it gets of its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.compat.compare import deviations, told
from tests.compat.daemons import OURS, Daemon, both, on_both
from tests.compat.differences import row
from tests.compat.released import PEER_PYTHON
from tests.support.processes import Program
from tests.support.stack import Room
from tests.support.waiting import PATIENCE_S, wait_until

PROGRAMS = Path(__file__).parent / "programs"
INI = """
[watcher:web]
cmd = sleep 600
numprocesses = 2
ready = delay:0.02

[watcher:plain]
cmd = sleep 600
ready = delay:0.02

[watcher:stubborn]
cmd = sh -c 'trap "" TERM; exec sleep 600'
graceful_timeout = 1
ready = delay:0.1
"""


@pytest.fixture(scope="module")
def daemons(place: Room) -> Iterator[dict[str, Daemon]]:
    with both(place, INI) as made:
        yield made


def drive(daemon: Daemon) -> dict[str, Any]:
    done = subprocess.run(
        [str(PEER_PYTHON), str(PROGRAMS / "released_client.py"), daemon.endpoint],
        capture_output=True,
        text=True,
        timeout=3 * PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr + daemon.stack.output()
    replies: dict[str, Any] = daemon.neutral(json.loads(done.stdout))
    return replies


def test_both_clients_get_what_circus_answers(daemons: dict[str, Daemon]) -> None:
    replies = on_both(lambda side: drive(daemons[side]))
    theirs, ours = replies["theirs"], replies["ours"]

    assert theirs["time-out"] == ours["time-out"] == "Timed out."
    for title, reply in theirs.items():
        found = [each for each in deviations(reply, ours[title]) if row("replies", title, each) is None]
        assert not found, f"{title}\n{told(found)}"


def test_the_subscriber_hears_of_a_watcher(daemons: dict[str, Daemon], place: Room) -> None:
    ours = daemons[OURS]
    argv = [str(PEER_PYTHON), str(PROGRAMS / "released_listener.py"), ours.pubsub, "web"]
    listener = Program(argv, place.directory / "listener.log", base_env=place.environ, cwd=place.directory)
    place.adopt(listener)

    def is_over() -> bool:
        # It hears nothing before its subscription has come.
        ours.call("restart", name="web", waiting=True)
        return not listener.is_running()

    wait_until(is_over, "the end of the listener", pause_s=0.1, detail=listener.output)
    heard = dict(json.loads(line) for line in listener.output().splitlines())
    assert listener.popen.returncode == 0, listener.output()
    assert {"process_pid", "time", "exit_code"} <= set(heard["watcher.web.reap"])
    assert "time" in heard["watcher.web.stop"]
