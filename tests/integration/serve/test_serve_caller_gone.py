"""`--daemon` whose caller goes away before the start is over: a closed window, a wrapper with a timeout."""

from __future__ import annotations

import contextlib
import os
import signal

import psutil

from tests.integration.serve.projects import write_watchers
from tests.support.waiting import wait_until


def test_a_daemon_serves_although_its_caller_is_gone(here):
    ini = write_watchers(here.directory, "[watcher:w]\ncmd = sleep 600\n")
    # Being read from a pipe that nobody has written to yet, the included file holds the start until we let it go on.
    held = here.directory / "held.ini"
    os.mkfifo(held)
    with ini.open("a") as file:
        file.write(f"[circus]\ninclude = {held}\n")
    caller = here.start("circusd", str(ini), "--daemon")
    daemon = wait_until(lambda: daemon_of(caller.pid, here), "the daemon", detail=caller.output)
    caller.program.popen.kill()
    caller.program.wait_exit()
    try:
        release(held)
        found = wait_until(lambda: [each for each in here.stacks() if each.record.pid == daemon], "the stack")
        assert [each.record.pid for each in found] == [daemon]
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


def release(fifo) -> None:
    """Let each reading of the file end, empty."""

    def opened() -> bool:
        with contextlib.suppress(OSError):
            os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
            return True
        return False

    wait_until(opened, "somebody who reads the file")
