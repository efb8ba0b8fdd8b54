"""File sinks: what stands in the files after any rotation."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circus_stack.streams.block import Block, Origin
from circus_stack.streams.calendar import Calendar
from circus_stack.streams.joining import PrefixJoiner, RawJoiner, prefix_lines
from circus_stack.streams.logfile import LogFile
from circus_stack.streams.rotation import NoRotation, Rotation, SizeRotation, TimedRotation, WatchedPath
from circus_stack.streams.sink import SinkError
from circus_stack.streams.sinks.file import FileSink, last_lines

ORIGIN = Origin("web", 1, 10, "stdout")
OTHER = Origin("web", 2, 11, "stdout")


def block(data: bytes, origin: Origin = ORIGIN) -> Block:
    return Block(origin, 0.0, data)


def tick() -> None:
    """Progress is of no interest here."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "app.log"


def sink_at(path: Path, rotation: Rotation | None = None) -> FileSink:
    return FileSink(LogFile(path), RawJoiner().join, rotation or NoRotation())


def test_appends(path: Path) -> None:
    path.write_bytes(b"before\n")
    sink = sink_at(path)
    sink.write([block(b"one\n"), block(b"two\n")], tick)
    sink.close()
    assert path.read_bytes() == b"before\none\ntwo\n"


def test_an_unfinished_line_is_not_glued_to_anothers(path: Path) -> None:
    sink = sink_at(path)
    sink.write([block(b"half of "), block(b"another's\n", OTHER)], tick)
    sink.write([block(b"whole\n"), block(b"piece ")], tick)
    sink.write([block(b"and its end\n")], tick)
    sink.close()
    assert path.read_bytes() == b"half of \nanother's\nwhole\npiece and its end\n"


def test_rotates_before_the_size_is_passed(path: Path) -> None:
    sink = sink_at(path, SizeRotation(10, 2))
    sink.write([block(b"1111\n2222\n3333\n")], tick)
    assert path.read_bytes() == b"3333\n"
    assert Path(f"{path}.1").read_bytes() == b"1111\n2222\n"
    sink.write([block(b"4444\n5555\n66\n")], tick)
    sink.close()
    assert path.read_bytes() == b"5555\n66\n"
    assert Path(f"{path}.1").read_bytes() == b"3333\n4444\n"
    assert Path(f"{path}.2").read_bytes() == b"1111\n2222\n"


def test_the_oldest_file_goes(path: Path) -> None:
    sink = sink_at(path, SizeRotation(5, 2))
    for number in range(6):
        sink.write([block(b"%04d\n" % number)], tick)
    sink.close()
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["app.log", "app.log.1", "app.log.2"]
    assert Path(f"{path}.2").read_bytes() == b"0003\n"


def test_a_line_longer_than_a_file_has_one_of_its_own(path: Path) -> None:
    sink = sink_at(path, SizeRotation(5, 3))
    sink.write([block(b"a\n" + b"x" * 20 + b"\nb\n")], tick)
    sink.close()
    assert Path(f"{path}.2").read_bytes() == b"a\n"
    assert Path(f"{path}.1").read_bytes() == b"x" * 20 + b"\n"
    assert path.read_bytes() == b"b\n"


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.integers(0, 30), min_size=1, max_size=8), max_size=8), st.integers(1, 40))
def test_rotation_by_size_loses_no_line_and_cuts_none(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[list[int]], limit: int
) -> None:
    path = tmp_path_factory.mktemp("rotation") / "x.log"
    sink = sink_at(path, SizeRotation(limit, 1000))
    expected = b""
    for batch in sizes:
        data = b"".join(b"x" * size + b"\n" for size in batch)
        sink.write([block(data)], tick)
        expected += data
    sink.close()
    files = sorted(path.parent.iterdir(), key=lambda entry: int(entry.suffix[1:] if entry.suffix != ".log" else 0))
    contents = [entry.read_bytes() for entry in reversed(files)]
    assert b"".join(contents) == expected
    assert all(content.endswith(b"\n") for content in contents)
    assert all(len(content) <= limit or content.count(b"\n") == 1 for content in contents)


class Clock:
    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def test_a_timed_file_is_named_after_its_interval(path: Path) -> None:
    clock = Clock(1_700_000_000.0)
    sink = sink_at(path, TimedRotation(Calendar("M", utc=True), 0, clock))
    sink.write([block(b"first\n")], tick)
    clock.now += 59
    sink.write([block(b"second\n")], tick)
    clock.now += 2
    sink.write([block(b"third\n")], tick)
    sink.close()
    assert path.read_bytes() == b"third\n"
    assert Path(f"{path}.202311142213").read_bytes() == b"first\nsecond\n"


def test_timed_files_past_the_count_go(path: Path) -> None:
    clock = Clock(1_700_000_000.0)
    sink = sink_at(path, TimedRotation(Calendar("D", utc=True), 2, clock))
    keep = path.with_name("app.log.notes")
    keep.write_bytes(b"not ours")
    for _ in range(6):
        sink.write([block(b"day\n")], tick)
        clock.now += 86400
    sink.close()
    assert sorted(entry.name for entry in path.parent.iterdir()) == [
        "app.log", "app.log.20231117", "app.log.20231118", "app.log.notes",
    ]  # fmt: skip


def test_a_file_of_yesterday_turns_over_at_the_first_line(path: Path) -> None:
    path.write_bytes(b"yesterday\n")
    os.utime(path, (1_700_000_000, 1_700_000_000))
    sink = sink_at(path, TimedRotation(Calendar("D", utc=True), 0, Clock(1_700_100_000.0)))
    sink.write([block(b"today\n")], tick)
    sink.close()
    assert path.read_bytes() == b"today\n"
    assert Path(f"{path}.20231114").read_bytes() == b"yesterday\n"


def test_a_clock_set_back_overwrites_no_old_file(path: Path) -> None:
    clock = Clock(1_700_000_000.0)
    sink = sink_at(path, TimedRotation(Calendar("H", utc=True), 0, clock))
    sink.write([block(b"one\n")], tick)
    clock.now += 3601
    sink.write([block(b"two\n")], tick)
    clock.now -= 3601
    sink.close()
    second = sink_at(path, TimedRotation(Calendar("H", utc=True), 0, clock))
    os.utime(path, (clock.now, clock.now))
    second.write([block(b"three\n")], tick)
    clock.now += 3601
    second.write([block(b"four\n")], tick)
    second.close()
    assert sorted(entry.read_bytes() for entry in path.parent.iterdir()) == [b"four\n", b"one\n", b"two\nthree\n"]


def test_a_watched_file_that_was_moved_is_opened_anew(path: Path) -> None:
    sink = sink_at(path, WatchedPath())
    sink.write([block(b"old\n")], tick)
    path.rename(path.with_suffix(".moved"))
    sink.write([block(b"new\n")], tick)
    path.unlink()
    sink.write([block(b"newer\n")], tick)
    sink.close()
    assert path.with_suffix(".moved").read_bytes() == b"old\n"
    assert path.read_bytes() == b"newer\n"


class BrokenRotation(SizeRotation):
    def turn(self, file: LogFile) -> None:
        raise PermissionError("no rename here")


def test_where_rotation_fails_the_lines_go_on_into_the_same_file(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    sink = sink_at(path, BrokenRotation(5, 1))
    sink.write([block(b"1111\n2222\n3333\n")], tick)
    sink.close()
    assert path.read_bytes() == b"1111\n2222\n3333\n"
    assert [record.getMessage() for record in caplog.records] == [
        f"cannot rotate {path}: no rename here; going on in the same file"
    ]


def test_a_full_disk_loses_what_it_did_not_take() -> None:
    sink = sink_at(Path("/dev/full"), SizeRotation(5, 1))
    with pytest.raises(SinkError, match="No space left on device") as caught:
        sink.write([block(b"1\n"), block(b"2\n3\n", OTHER)], tick)
    assert sum(lost.count_lines() for lost in caught.value.lost) == 3
    sink.close()


def test_a_directory_that_is_missing_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    sink = sink_at(tmp_path / "missing" / "app.log")
    with pytest.raises(SinkError, match=r"missing/app\.log"):
        sink.write([block(b"1\n")], tick)


@pytest.fixture
def small_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """os.write takes at most what the list says, call by call; 0 is a full disk; after the list all goes well."""
    takes: list[int] = []
    real = os.write

    def write(fd: int, data: memoryview) -> int:
        if not takes:
            return real(fd, data)
        take = takes.pop(0)
        if not take:
            raise OSError(28, "No space left on device")
        return real(fd, data[:take])

    monkeypatch.setattr("circus_stack.streams.logfile.os.write", write)
    yield takes


def test_half_a_line_is_ended_before_the_next(path: Path, small_disk: list[int]) -> None:
    sink = sink_at(path)
    small_disk[:] = [8, 0]
    with pytest.raises(SinkError) as caught:
        sink.write([block(b"first\nsecond\n"), block(b"third\n", OTHER)], tick)
    assert [lost.data for lost in caught.value.lost] == [b"third\n", b"second\n"]
    sink.write([block(b"fourth\n")], tick)
    sink.close()
    assert path.read_bytes() == b"first\nse\nfourth\n"


def test_short_writes_are_continued(path: Path, small_disk: list[int]) -> None:
    sink = sink_at(path)
    small_disk[:] = [1, 2, 3]
    sink.write([block(b"all of it\n")], tick)
    sink.close()
    assert path.read_bytes() == b"all of it\n"


def test_lost_lines_are_those_of_the_last_blocks() -> None:
    blocks = [block(b"1\n2\n3\n"), block(b"4\n5", OTHER)]
    assert [each.data for each in last_lines(blocks, b"3\n4\n5")] == [b"4\n5", b"3\n"]
    assert [each.data for each in last_lines(blocks, b"5")] == [b"5"]


def test_the_prefix_stands_before_each_line() -> None:
    joined = PrefixJoiner("%Y").join([block(b"a\nb\n"), block(b"open", OTHER)])
    assert joined in (
        b"1970 [10] | a\n1970 [10] | b\n1970 [11] | open\n",
        b"1969 [10] | a\n1969 [10] | b\n1969 [11] | open\n",
    )


def test_prefix_lines() -> None:
    assert prefix_lines(b"a\n\nb\n", b"> ") == b"> a\n> \n> b\n"
    assert prefix_lines(b"a", b"> ") == b"> a\n"
    assert prefix_lines(b"\n", b"> ") == b"> \n"
