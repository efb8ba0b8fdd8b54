"""Leaving the terminal: the classic double fork. To be called before a loop, a thread or a child exists."""

from __future__ import annotations

import os
import sys


def daemonize() -> None:
    """Go on in a process of an own session, without a terminal; the calling process ends with status 0.

    The working directory stays: a stack's file names its own paths from there. stdin, stdout and stderr are /dev/null.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    if os.fork():
        os._exit(0)
    os.setsid()
    # The second fork: not being the leader of its session, the daemon can't get a terminal back by opening one.
    if os.fork():
        os._exit(0)
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    if null > 2:
        os.close(null)
