"""An application that keeps its whole process busy until it is told to go on."""

import os
import time
from pathlib import Path


def app(environ, start_response):
    """/busy/FILE: write the pid into FILE, then spin until it is gone; anything else: the pid at once."""
    if environ["PATH_INFO"].startswith("/busy/"):
        file = Path(environ["PATH_INFO"].removeprefix("/busy"))
        file.write_text(str(os.getpid()))
        until = time.monotonic() + 60
        while file.exists() and time.monotonic() < until:
            os.sched_yield()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]
