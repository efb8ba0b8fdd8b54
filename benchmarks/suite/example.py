"""The Pyramid example as what is served: a notice board, whose notes are in a Redis that runs as long as it does."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from circus_stack.services.binaries import find_embedded_valkey, find_on_path

from ..contestants import start

_PATIENCE_S = 20.0
# A page of the board holds ten.
_NOTES = 10
_DISTRIBUTION = "circus-stack-notes"


class AppError(Exception):
    """What was to be served is no application, or cannot run here; the text says what is missing."""


def is_here() -> bool:
    """Whether the example is installed, as it is in a checkout's environment."""
    return importlib.util.find_spec("notes") is not None


@contextlib.contextmanager
def with_redis(home: Path) -> Iterator[dict[str, str]]:
    """Its Redis, with some notes, until the block ends; yields the variables that tell where it is. AppError where
    there is no example or no Redis."""
    if not is_here():
        raise AppError(f"the Pyramid example ({_DISTRIBUTION}) is not installed: pip install examples/pyramid_app")
    program = find_on_path(("redis-server", "valkey-server"), os.environ) or find_embedded_valkey()
    if program is None:
        raise AppError("the Pyramid example keeps its notes in Redis: apt-get install redis-server")
    place = home / "redis"
    place.mkdir(mode=0o700)
    sock = place / "sock"
    words = ["--port", "0", "--unixsocket", str(sock), "--dir", str(place), "--save", "", "--appendonly", "no"]
    with start([program, *words], place, place / "log", environ=dict(os.environ)) as process:
        _wait_listening(process, sock, place / "log")
        url = f"unix://{sock}"
        _post_notes(url)
        yield {"REDIS_URL": url, "SOLR_URL": ""}


def _wait_listening(process: subprocess.Popen[bytes], sock: Path, log: Path) -> None:
    until = time.monotonic() + _PATIENCE_S
    while not sock.exists():
        if process.poll() is not None or time.monotonic() > until:
            raise AppError(f"Redis does not start:\n{log.read_text(errors='replace')[-500:]}")
        time.sleep(0.01)


def _post_notes(url: str) -> None:
    """So that a page has something to show."""
    from notes.connection import connect
    from notes.note import check_draft, new_note
    from notes.store import NoteStore

    store = NoteStore(connect(url))
    for number in range(_NOTES):
        store.add(
            new_note(check_draft(f"Visitor {number}", f"The note of visitor {number}, of some dozens of letters."))
        )
