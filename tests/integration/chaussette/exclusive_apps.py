"""An application that keeps its whole process busy until it is told to go on."""

import os
import resource
import time
from pathlib import Path

_opened: list[int] = []


def fill() -> None:
    """Open files until there are no descriptors: at a limit right above those that there are."""
    highest = max(int(each.name) for each in Path("/proc/self/fd").iterdir())
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 2, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    try:
        while True:
            _opened.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        return


def app(environ, start_response):
    """/full: use up all descriptors but that of the request's own connection; /busy/FILE: write the pid into FILE, then
    spin until it is gone; then, or for anything else, the pid."""
    if environ["PATH_INFO"].startswith("/busy/"):
        file = Path(environ["PATH_INFO"].removeprefix("/busy"))
        file.write_text(str(os.getpid()))
        until = time.monotonic() + 60
        while file.exists() and time.monotonic() < until:
            os.sched_yield()
    if environ["PATH_INFO"] == "/full":
        fill()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]
