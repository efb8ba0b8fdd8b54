"""What was read and not written is found in the file, whatever moment the writer was killed in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circus_stack.streams.spool import Spool, SpoolRecord, read_spool


@pytest.fixture
def file(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    path = tmp_path / "spool"
    fd = os.open(path, os.O_RDWR | os.O_CREAT)
    yield path, fd
    os.close(fd)


def spooled(spool: Spool, pid: int, data: bytes) -> SpoolRecord | None:
    """Read through a pipe."""
    record = spool.take(pid, "stdout", len(data))
    if record is not None:
        ours, theirs = os.pipe()
        os.write(theirs, data)
        assert record.read_from(ours) == data
        os.close(ours)
        os.close(theirs)
    return record


def test_what_is_not_finished_is_found_in_order(file: tuple[Path, int]) -> None:
    path, fd = file
    spool = Spool(fd)
    records = [spooled(spool, 7, f"line {number}\n".encode()) for number in range(5)]
    spooled(spool, 8, b"other\n")
    for record in (records[0], records[2]):
        assert record is not None
        record.finish()

    found = read_spool(path.read_bytes())

    assert found == {(7, "stdout"): b"line 1\nline 3\nline 4\n", (8, "stdout"): b"other\n"}


def test_a_part_that_is_written_is_not_found(file: tuple[Path, int]) -> None:
    path, fd = file
    record = spooled(Spool(fd), 7, b"whole\nbegun")
    assert record is not None
    record.skip_to(6)

    assert read_spool(path.read_bytes()) == {(7, "stdout"): b"begun"}


def test_what_was_about_to_be_read_is_not_found(file: tuple[Path, int]) -> None:
    path, fd = file
    spool = Spool(fd)
    spooled(spool, 7, b"read\n")
    spool.take(7, "stdout", 500)

    assert read_spool(path.read_bytes()) == {(7, "stdout"): b"read\n"}


@pytest.mark.parametrize("data", [b"", b"x" * 100, bytes(10_000), b"\xff" * 10_000])
def test_rubbish_holds_nothing(data: bytes) -> None:
    assert read_spool(data) == {}


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 700), st.booleans(), st.integers(0, 3)), max_size=60))
def test_it_goes_round_and_never_mixes_anything_up(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, bool, int]]
) -> None:
    path = tmp_path_factory.mktemp("ring") / "spool"
    fd = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        spool = Spool(fd, size=2048)
        left: list[tuple[SpoolRecord, bytes]] = []
        for number, (length, is_read, finished) in enumerate(steps):
            data = bytes([1 + number % 250]) * length
            record = spooled(spool, 5, data) if is_read else None
            if record is not None:
                left.append((record, data))
            for done, _data in left[:finished]:
                done.finish()
            left = left[finished:]
            assert read_spool(path.read_bytes()).get((5, "stdout"), b"") == b"".join(data for _, data in left)
    finally:
        os.close(fd)
