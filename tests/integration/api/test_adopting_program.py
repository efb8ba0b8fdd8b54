"""An arbiter in a program to which orphans are handed, as PID 1 of a container is."""

from __future__ import annotations

from circus_stack.system.descent import become_subreaper
from tests.support.waiting import wait_until


def test_orphans_of_a_watcher_hold_up_no_end(background):
    become_subreaper()
    # The shell ends at once, its child does not: it is handed to this process, and must be reaped by somebody.
    arbiter = background({"cmd": "sh", "name": "job", "args": ["-c", "trap 'exit 0' TERM; sleep 300 & wait"]})
    wait_until(lambda: arbiter.statuses() == {"job": "active"}, "the start")

    arbiter.stop()
    assert not arbiter.is_alive()
