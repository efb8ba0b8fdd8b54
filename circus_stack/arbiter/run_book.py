"""What outlives the arbiter of scheduled watchers: up to which due time each was attended to, and its last run.

One small file in the state directory, replaced whole before a run begins: whoever comes after doesn't run it twice.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from circus_stack.arbiter.runs import Run, RunResult
from circus_stack.system.atomic_file import write_atomically

log = logging.getLogger(__name__)

# Of a file that only we write: what is larger isn't ours.
_MOST_BYTES = 4 * 1024 * 1024


class Entry(Struct, frozen=True):
    """`schedule` is what was in force, with its zone; `due` the last due time that was attended to, run or not, in
    seconds since the epoch."""

    schedule: str
    due: float
    last: Run | None = None


class RunBook:
    """The entries by watcher; without a path they are forgotten at the end."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._entries = {} if path is None else _read(path)
        self._writing = asyncio.Lock()

    def get(self, name: str) -> Entry | None:
        """What is known of a watcher."""
        return self._entries.get(name)

    def put(self, name: str, entry: Entry) -> None:
        """Remember an entry, until the next `save` in memory alone."""
        self._entries[name] = entry

    async def save(self) -> None:
        """On the disk when this returns. A disk that fails is told, and keeps nothing from running."""
        if self._path is None:
            return
        async with self._writing:
            try:
                await asyncio.to_thread(_write, self._path, dict(self._entries))
            except OSError as error:
                log.warning("what was run cannot be kept in %s: %s", self._path, error)


def _write(path: Path, entries: Mapping[str, Entry]) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = json.dumps({"version": 1, "watchers": entries}, default=asdict)
    write_atomically(path, text.encode(), 0o600)


def _read(path: Path) -> dict[str, Entry]:
    try:
        with path.open("rb") as file:
            watchers = json.loads(file.read(_MOST_BYTES))["watchers"]
        return {str(name): _entry(fields) for name, fields in watchers.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        log.warning("%s cannot be read: what was run before is not known: %s", path, error)
        return {}


def _entry(fields: Mapping[str, Any]) -> Entry:
    last = fields["last"]
    run = None if last is None else Run(**{**last, "result": RunResult(last["result"])})
    return Entry(str(fields["schedule"]), float(fields["due"]), run)
