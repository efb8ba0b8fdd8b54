"""`--daemon` whose caller goes away before the start is over: a closed window, a wrapper with a timeout."""

from __future__ import annotations

import contextlib
import os
import signal

import psutil

from tests.integration.serve.projects import write_watchers
from tests.support.waiting import wait_until

# A stream of the user's own, imported during the start: it holds that until the test lets it go on.
SLOW = """\
import pathlib, sys, time
go = pathlib.Path(__file__).with_name("go")
for _ in range(3000):
    if go.exists():
        break
    time.sleep(0.01)


class Slow:
    def __init__(self, **options):
        pass

    def __call__(self, data):
        pass
"""


def test_a_daemon_serves_although_its_caller_is_gone(here):
    (here.directory / "slow_stream.py").write_text(SLOW)
    text = "[watcher:w]\ncmd = sleep 600\nstdout_stream.class = slow_stream.Slow\n"
    ini = write_watchers(here.directory, text)
    path = os.pathsep.join(filter(None, (str(here.directory), here.environ.get("PYTHONPATH"))))
    caller = here.start("circusd", str(ini), "--daemon", env={"PYTHONPATH": path})
    daemon = wait_until(lambda: daemon_of(caller.pid, here), "the daemon", detail=caller.output)
    caller.program.popen.kill()
    caller.program.wait_exit()
    try:
        (here.directory / "go").touch()
        wait_until(lambda: [each.record.pid for each in here.stacks()] == [daemon], "the stack", detail=caller.output)
        wait_until(lambda: [each.name() for each in psutil.Process(daemon).children()] == ["sleep"], "its process")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(daemon, signal.SIGTERM)
    wait_until(lambda: daemon not in [each.pid for each in here.leftovers()], "the daemon's end")
    here.assert_nothing_left()


def daemon_of(caller: int, here) -> int | None:
    """The pid of the daemon: it is handed to us, its subreaper, once its own parent is gone."""
    found = [each for each in here.leftovers() if each.pid != caller and each.ppid() == os.getpid()]
    return found[0].pid if found else None
