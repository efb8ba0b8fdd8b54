"""The file is changed and read again: both sides end with the same watchers, options and numbers of processes, and the
same watchers keep their processes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.compat.compare import deviations, told
from tests.compat.daemons import Daemon, on_both, start
from tests.compat.differences import row
from tests.support.stack import Room

FIRST = """
[watcher:same]
cmd = sleep 600
ready = delay:0.02

[watcher:changing]
cmd = sleep 600
ready = delay:0.02

[watcher:stopped]
cmd = sleep 600
ready = delay:0.02

[watcher:leaving]
cmd = sleep 600
ready = delay:0.02

[env:changing]
COLOUR = red
"""
# Each is the whole file after the one before it.
NUMBER = FIRST.replace("[watcher:changing]\n", "[watcher:changing]\nnumprocesses = 3\n")
COMMAND = NUMBER.replace("[watcher:changing]\ncmd = sleep 600", "[watcher:changing]\ncmd = sleep 700").replace(
    "numprocesses = 3\ncmd = sleep 600", "numprocesses = 3\ncmd = sleep 700"
)
ENVIRONMENT = COMMAND.replace("red", "blue")
COMING = ENVIRONMENT + "\n[watcher:coming]\ncmd = sleep 600\nready = delay:0.02\nnumprocesses = 2\n"
WITHOUT = COMING.replace("[watcher:leaving]\ncmd = sleep 600\nready = delay:0.02\n", "")
SOCKET = WITHOUT + "\n[socket:new]\nhost = 127.0.0.1\nport = @port@\n"
FILES = {
    "the same file": FIRST,
    "another number": NUMBER,
    "another command": COMMAND,
    "another environment": ENVIRONMENT,
    "a new watcher": COMING,
    "one watcher less": WITHOUT,
    "a new socket": SOCKET,
    "all back": FIRST,
}


def observe(daemon: Daemon, before: dict[str, set[int]]) -> dict[str, Any]:
    """What can be seen, and which watchers have any process that they had before."""
    statuses = daemon.call("status")["statuses"]
    pids = {name: set(daemon.pids(name)) for name in statuses}
    seen = {
        "status": daemon.call("status"),
        "numbers": {name: len(pids[name]) for name in statuses},
        "kept": {name: bool(pids[name] & before.get(name, set())) for name in statuses},
        "options": {name: daemon.call("options", name=name) for name in statuses},
        "sockets": daemon.call("listsockets"),
    }
    before.clear()
    before.update(pids)
    neutral: dict[str, Any] = daemon.neutral(seen)
    return neutral


def go_through(place: Room, side: str) -> dict[str, dict[str, Any]]:
    daemon = start(place, side, FIRST)
    try:
        daemon.call("stop", name="stopped", waiting=True)
        before: dict[str, set[int]] = {}
        observe(daemon, before)
        seen: dict[str, dict[str, Any]] = {}
        for title, text in FILES.items():
            daemon.write_ini(text)
            reply = daemon.call("reloadconfig", waiting=True)
            daemon.settle()
            seen[title] = {"reply": reply, **observe(daemon, before)}
        return seen
    finally:
        daemon.close()


@pytest.fixture(scope="module")
def seen(place: Room) -> Iterator[dict[str, dict[str, dict[str, Any]]]]:
    yield on_both(lambda side: go_through(place, side))


@pytest.mark.parametrize("title", FILES)
def test_the_file_read_again_means_the_same(title: str, seen) -> None:
    found = deviations(seen["theirs"][title], seen["ours"][title])

    defects = [each for each in found if row("reconfiguring", title, each) is None]
    assert not defects, told(defects)
