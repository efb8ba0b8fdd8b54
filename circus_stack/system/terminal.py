"""Whether the terminal that a program was started from is still there."""

from __future__ import annotations

import os


def has_terminal() -> bool:
    """Whether this process has a controlling terminal that answers: it hasn't once its window was closed."""
    try:
        fd = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return False
    os.close(fd)
    return True
