"""The three descriptors that every program takes for granted, where whoever started it gave none."""

from __future__ import annotations

import os
import sys


def open_standard_files() -> None:
    """Put /dev/null in the place of a closed stdin, stdout or stderr: the next socket would take its number, and get
    what is printed. To be called before anything is opened."""
    fd = os.open(os.devnull, os.O_RDWR)
    while fd <= 2:
        fd = os.open(os.devnull, os.O_RDWR)
    os.close(fd)
    # Python has None where it found a descriptor closed.
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)
