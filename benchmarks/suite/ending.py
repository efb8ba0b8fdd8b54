"""The end of a program that the suite has started, and of all that this one has started."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil

# For what is told to end; then it is killed.
_END_S = 10.0


@contextlib.contextmanager
def ended(process: subprocess.Popen[bytes], home: Path) -> Iterator[None]:
    """After the block it is gone, with whatever it started: a process of another session outlives a killed parent.
    `home`: its XDG_RUNTIME_DIR."""
    try:
        yield
    finally:
        family: list[psutil.Process] = []
        with contextlib.suppress(psutil.NoSuchProcess):
            family = psutil.Process(process.pid).children(recursive=True)
        process.terminate()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        left = {each for each in [*family, *orphans(home)] if each.is_running()}
        for each in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
        psutil.wait_procs(left, timeout=_END_S)


def orphans(home: Path) -> Iterator[psutil.Process]:
    """Those that still have the environment of a program of this home: of one that died they are no children."""
    for each in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if each.environ().get("XDG_RUNTIME_DIR") == str(home):
                yield each
