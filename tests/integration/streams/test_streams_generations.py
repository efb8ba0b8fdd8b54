"""A reload with other stream options: the new generation writes to the new place, the old one stays where it is."""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
from pathlib import Path

import pytest

from circus_stack.streams.capture import Capture
from tests.integration.streams.rig import Rig, open_fds, rig, to_file, until

# Says what it reads from its FIFO, line by line, until the FIFO has no writer any more.
ECHO = ["sh", "-c", 'while read x; do echo "$x"; done < "$0"']


class Voice:
    """A process that writes what it is told."""

    def __init__(self, rig: Rig, folder: Path, log: Path, name: str, **options: str) -> None:
        self._rig = rig
        fifo = folder / f"{name}.fifo"
        os.mkfifo(fifo)
        self.child: subprocess.Popen[bytes]
        self.capture: Capture
        self.child, self.capture = rig.start(to_file("web", log, **options), [*ECHO, str(fifo)])
        self._fifo = fifo.open("w", buffering=1)

    async def say(self, word: str) -> None:
        self._fifo.write(f"{word}\n")
        await until(lambda: word.encode() in self._rig.lines("web"), word)

    async def end(self) -> None:
        self._fifo.close()
        await self._rig.finish(self.child, self.capture)


def is_open(path: Path) -> bool:
    return any(each.endswith(f" {path}") for each in open_fds())


def test_a_reload_that_is_rolled_back_leaves_the_old_output_where_it_was(tmp_path: Path) -> None:
    async def scenario() -> None:
        before, after = tmp_path / "before.log", tmp_path / "after.log"
        async with rig() as r:
            r.streams.configure(to_file("web", before))
            old = Voice(r, tmp_path, before, "old")
            new = Voice(r, tmp_path, after, "new")
            await new.say("new")
            await old.say("old")
            await until(lambda: is_open(after), "the new file")
            await new.end()
            await until(lambda: not is_open(after), "the end of the route that the reload had made")
            again = Voice(r, tmp_path, before, "again")
            await again.say("again")
            await again.end()
            await old.end()
        assert before.read_bytes() == b"old\nagain\n"
        assert after.read_bytes() == b"new\n"

    asyncio.run(scenario())


def test_a_reload_that_goes_through_moves_what_is_left_of_the_old_output(tmp_path: Path) -> None:
    async def scenario() -> None:
        before, after = tmp_path / "before.log", tmp_path / "after.log"
        async with rig() as r:
            r.streams.configure(to_file("web", before))
            old = Voice(r, tmp_path, before, "old")
            await old.say("early")
            new = Voice(r, tmp_path, after, "new")
            r.streams.configure(to_file("web", after))
            await until(lambda: not is_open(before), "the end of the old file")
            await old.say("late")
            await old.end()
            await new.say("new")
            await new.end()
            # The standing route leads there now: nothing has to be opened for the next process.
            assert is_open(after)
        assert before.read_bytes() == b"early\n"
        assert after.read_bytes() == b"late\nnew\n"

    asyncio.run(scenario())


def test_other_options_of_the_same_file_count_from_configure_on(tmp_path: Path) -> None:
    async def scenario() -> None:
        path, options = tmp_path / "x.log", {"max_bytes": "8", "backup_count": "9"}
        async with rig() as r:
            r.streams.configure(to_file("web", path))
            old = Voice(r, tmp_path, path, "old")
            await old.say("one")
            new = Voice(r, tmp_path, path, "new", **options)
            await new.say("two")
            await until(lambda: path.read_bytes() == b"one\ntwo\n", "both lines in one file")
            r.streams.configure(to_file("web", path, **options))
            await old.say("three")
            await new.say("four")
            await old.end()
            await new.end()
        found = [path.with_name(name).read_bytes() for name in ("x.log.2", "x.log.1", "x.log")]
        assert found == [b"one\ntwo\n", b"three\n", b"four\n"]

    asyncio.run(scenario())


def test_a_process_that_gets_no_pipes_leaves_no_route_behind(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with rig() as r:
            r.streams.configure(to_file("web", tmp_path / "x.log"))
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
            try:
                with pytest.raises(OSError, match="Too many open files"):
                    r.streams.open(to_file("web", tmp_path / "y.log"), 1)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            await until(lambda: not list(r.streams._board.closing_lanes), "the end of its lane")
            assert len(r.streams._board._wirings) == 1

    asyncio.run(scenario())
