"""Capture of real processes: nothing lost, nothing leaked, nobody held up."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from circus_stack.config.schema import WatcherConfig
from circus_stack.config.values import Location, StreamConfig
from circus_stack.errors import ConfigError
from tests.integration.streams.rig import exited, rig, to_file, until
from tests.support.waiting import PATIENCE_S

WEB = WatcherConfig(name="web")


def test_both_streams_are_captured_with_their_origin() -> None:
    async def scenario() -> None:
        async with rig() as r:
            child, capture = r.start(WEB, ["sh", "-c", "echo out; echo err >&2"], wid=3)
            await r.finish(child, capture)
            found = {(line.watcher, line.wid, line.pid, line.stream, line.data) for _, line in r.tail.snapshot()}
            assert found == {("web", 3, child.pid, "stdout", b"out"), ("web", 3, child.pid, "stderr", b"err")}

    asyncio.run(scenario())


def test_a_stream_that_is_closed_leads_nowhere() -> None:
    shut = WatcherConfig(name="web", close_child_stdout=True, close_child_stderr=True)
    names = "os.readlink(f'/proc/self/fd/{fd}') for fd in (1, 2)"

    async def scenario() -> None:
        async with rig() as r:
            half = WatcherConfig(name="web", close_child_stdout=True)
            await r.finish(*r.python(half, f"import os; print('gone'); os.write(2, str([{names}][0]).encode())"))
            assert r.lines("web") == [b"/dev/null"]
            child, capture = r.python(shut, f"import os, sys; sys.exit([{names}] != ['/dev/null'] * 2)")
            await r.finish(child, capture)
            assert child.returncode == 0
            assert capture.is_closed

    asyncio.run(scenario())


def test_the_last_line_needs_no_newline() -> None:
    async def scenario() -> None:
        async with rig() as r:
            child, capture = r.start(WEB, ["printf", "one\\ntwo"])
            await r.finish(child, capture)
            assert r.lines("web") == [b"one", b"two"]

    asyncio.run(scenario())


def test_kill_9_loses_nothing_that_was_written(tmp_path: Path) -> None:
    code = "import os\nfor i in range(10**9): os.write(1, b'%08d\\n' % i)"

    async def scenario() -> None:
        path = tmp_path / "x.log"
        async with rig() as r:
            child, capture = r.python(to_file("web", path), code)
            await until(lambda: path.exists() and path.stat().st_size > 1_000_000, "a megabyte of lines")
            os.kill(child.pid, signal.SIGKILL)
            await r.finish(child, capture)
        numbers = [int(line) for line in path.read_bytes().split()]
        assert numbers == list(range(len(numbers)))
        assert path.stat().st_size == 9 * len(numbers)

    asyncio.run(scenario())


def test_a_grandchild_that_keeps_the_pipe_holds_nothing_up() -> None:
    async def scenario() -> None:
        async with rig() as r:
            child, capture = r.start(WEB, ["sh", "-c", "printf 'parent says'; sleep 60 & exit 0"])
            await exited(child)
            assert await capture.wait_drained(PATIENCE_S)
            assert r.lines("web") == [b"parent says"]
            assert not capture.is_closed

    asyncio.run(scenario())


def test_a_grandchild_is_heard_after_its_parent(tmp_path: Path) -> None:
    async def scenario() -> None:
        go = tmp_path / "go"
        os.mkfifo(go)
        async with rig() as r:
            child, capture = r.start(WEB, ["sh", "-c", f"echo early; (read x < {go}; echo late) & exit 0"])
            await r.finish(child, capture)
            r.streams.forget("web")
            assert r.tail.snapshot() == []
            with go.open("w") as fifo:
                fifo.write("now\n")
            await until(lambda: capture.is_closed, "the end of the grandchild")
            assert r.lines("web") == [b"late"]

    asyncio.run(scenario())


def test_a_child_outlives_the_reader_of_its_output(tmp_path: Path) -> None:
    async def scenario() -> None:
        go, survived = tmp_path / "go", tmp_path / "survived"
        os.mkfifo(go)
        async with rig() as r:
            command = f"read x < {go}; echo nobody reads; echo still nobody && touch {survived}"
            child, capture = r.start(WEB, ["sh", "-c", command])
            capture.close()
            with go.open("w") as fifo:
                fifo.write("now\n")
            await exited(child)
            assert child.returncode == 0
        assert survived.exists()

    asyncio.run(scenario())


def test_a_spawn_that_fails_leaves_nothing_open() -> None:
    async def scenario() -> None:
        async with rig() as r:
            capture = r.streams.open(WEB, 1)
            assert capture.stdout_fd != capture.stderr_fd
            capture.abandon()
            capture.abandon()
            assert capture.is_closed

    asyncio.run(scenario())


def test_a_process_of_another_user_may_open_its_stdout_by_name() -> None:
    uid = 65534 if os.geteuid() == 0 else os.geteuid()

    async def scenario() -> None:
        async with rig() as r:
            watcher = WatcherConfig(name="web", uid=str(uid))
            command = ["sh", "-c", "echo out > /dev/stdout; echo err > /dev/stderr"]
            if uid != os.geteuid():
                command = ["setpriv", f"--reuid={uid}", "--clear-groups", *command]
            await r.finish(*r.start(watcher, command))
            assert sorted(r.lines("web")) == [b"err", b"out"]

    asyncio.run(scenario())


def test_a_flood_does_not_starve_others() -> None:
    async def scenario() -> None:
        async with rig() as r:
            flood, _ = r.start(WatcherConfig(name="flood"), ["sh", "-c", "exec yes"])
            child, capture = r.start(WEB, ["sh", "-c", "for i in 1 2 3 4 5; do echo $i; done"])
            await r.finish(child, capture)
            assert r.lines("web") == [b"1", b"2", b"3", b"4", b"5"]
            assert flood.poll() is None
            flood.kill()

    asyncio.run(scenario())


def test_a_line_of_many_megabytes_comes_in_pieces(tmp_path: Path) -> None:
    code = "import os\nfor _ in range(50): os.write(1, b'x' * 100_000)\nos.write(1, b'\\nend\\n')"

    async def scenario() -> None:
        path = tmp_path / "x.log"
        async with rig() as r:
            pieces: list[int] = []
            r.tail.subscribe(lambda _, block: pieces.extend(map(len, block.lines())))
            await r.finish(*r.python(to_file("web", path), code))
        assert max(pieces) <= 65536
        assert path.read_bytes() == b"x" * 5_000_000 + b"\nend\n"

    asyncio.run(scenario())


def test_two_processes_share_a_file_and_its_rotation(tmp_path: Path) -> None:
    code = "import os\nfor i in range(20_000): os.write(1 + i % 2, b'%s %06d\\n' % (b'{tag}', i))"

    async def scenario() -> None:
        path = tmp_path / "x.log"
        async with rig() as r:
            watcher = to_file("web", path, max_bytes="50000", backup_count="100")
            children = [r.python(watcher, code.replace("{tag}", tag), wid) for wid, tag in enumerate("ab", 1)]
            for child, capture in children:
                await r.finish(child, capture)

    asyncio.run(scenario())
    files = list(tmp_path.iterdir())
    assert len(files) > 5
    lines = b"".join(file.read_bytes() for file in files).splitlines()
    assert len(lines) == 40_000
    assert set(lines) == {b"%s %06d" % (tag, number) for tag in (b"a", b"b") for number in range(20_000)}


def test_watchers_that_name_the_same_file_share_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        path = tmp_path / "x.log"
        async with rig() as r:
            await r.finish(*r.start(to_file("a", path), ["echo", "from a"]))
            r.streams.configure(to_file("b", path))
            r.streams.forget("a")
            await r.finish(*r.start(to_file("b", path), ["echo", "from b"]))
        assert path.read_bytes() == b"from a\nfrom b\n"

    asyncio.run(scenario())


def test_a_stream_can_be_sent_elsewhere_while_its_process_runs(tmp_path: Path) -> None:
    async def scenario() -> None:
        before, after, go = tmp_path / "before.log", tmp_path / "after.log", tmp_path / "go"
        os.mkfifo(go)
        async with rig() as r:
            command = f"echo one; read x < {go}; echo two"
            child, capture = r.start(to_file("web", before), ["sh", "-c", command])
            await until(lambda: r.lines("web") == [b"one"], "the first line")
            r.streams.configure(to_file("web", after))
            with go.open("w") as fifo:
                fifo.write("now\n")
            await r.finish(child, capture)
        assert before.read_bytes() == b"one\n"
        assert after.read_bytes() == b"two\n"

    asyncio.run(scenario())


def test_a_class_that_cannot_be_made_is_a_mistake_with_its_line(tmp_path: Path) -> None:
    broken = StreamConfig("tests.unit.streams.foreign_sinks.Broken", {})
    where = {"stderr_stream.class": Location("circus.ini", 7)}

    async def scenario() -> None:
        async with rig() as r:
            good = to_file("web", tmp_path / "x.log")
            watcher = WatcherConfig(name="web", stdout_stream=good.stdout_stream, stderr_stream=broken, where=where)
            for refused in (r.streams.configure, lambda each: r.streams.open(each, 1)):
                with pytest.raises(ConfigError, match=r"circus.ini:7: \[watcher:web\] stderr_stream.class: .*KeyError"):
                    refused(watcher)
            await r.finish(*r.start(good, ["echo", "as before"]))
        assert (tmp_path / "x.log").read_bytes() == b"as before\n"

    asyncio.run(scenario())


def test_bad_options_are_refused_and_change_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        path = tmp_path / "x.log"
        async with rig() as r:
            r.streams.configure(to_file("web", path))
            bad = WatcherConfig(name="web", stdout_stream=StreamConfig("Nope", {}))
            with pytest.raises(ConfigError, match="unknown stream class"):
                r.streams.configure(bad)
            await r.finish(*r.start(to_file("web", path), ["echo", "as before"]))
        assert path.read_bytes() == b"as before\n"

    asyncio.run(scenario())
