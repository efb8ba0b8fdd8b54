"""Leaving the terminal: the classic double fork, but whoever started the program learns how the start ended.

To be called before a loop, a thread or a child exists.
"""

from __future__ import annotations

import contextlib
import os
import sys


class Detachment:
    """The daemon's side: its output still goes to the terminal until `succeed`, so that a failed start can be read."""

    def __init__(self, report_fd: int) -> None:
        self._report_fd = report_fd

    def succeed(self) -> None:
        """The start went well: let the calling program end with status 0, and leave the terminal for good."""
        null = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        if null > 2:
            os.close(null)
        self._report(0)

    def fail(self, status: int) -> None:
        """The start failed: let the calling program end with that status."""
        self._report(status)

    def _report(self, status: int) -> None:
        # What fails after a start that went well has nobody left to tell.
        if self._report_fd >= 0:
            # Whoever waited may be gone by now: its window was closed. The daemon lives on, as daemons do.
            with contextlib.suppress(OSError):
                os.write(self._report_fd, bytes([status]))
            os.close(self._report_fd)
            self._report_fd = -1


def daemonize() -> Detachment:
    """Go on in a process of an own session; the calling process waits for its report and ends with that status.

    A daemon that dies without a report counts as status 1. The working directory stays.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    reader, writer = os.pipe2(os.O_CLOEXEC)
    if os.fork():
        os.close(writer)
        report = os.read(reader, 1)
        os._exit(report[0] if report else 1)
    os.close(reader)
    os.setsid()
    # The second fork: not being the leader of its session, the daemon can't get a terminal back by opening one.
    if os.fork():
        os._exit(0)
    return Detachment(writer)
