"""Old files that are compressed: what stands on the disk after rotations, crashes and a change of mind."""

from __future__ import annotations

import gzip
import threading
from pathlib import Path

import pytest

from circus_stack.streams import compression
from circus_stack.streams.block import Block, Origin
from circus_stack.streams.calendar import Calendar
from circus_stack.streams.compression import CompressedRotation
from circus_stack.streams.joining import RawJoiner
from circus_stack.streams.logfile import LogFile
from circus_stack.streams.rotation import Rotation, SizeRotation, TimedRotation
from circus_stack.streams.sinks.file import FileSink
from tests.support.waiting import PATIENCE_S, wait_until

ORIGIN = Origin("web", 1, 10, "stdout")


def tick() -> None:
    """Progress is of no interest here."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "app.log"


def sink_at(path: Path, rotation: Rotation) -> FileSink:
    return FileSink(LogFile(path), RawJoiner().join, CompressedRotation(rotation, path))


def names(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.parent.iterdir())


def settled(path: Path, *wanted: str) -> None:
    wait_until(lambda: names(path) == sorted(wanted), "the files", detail=lambda: names(path))


def write(sink: FileSink, data: bytes) -> None:
    sink.write([Block(ORIGIN, 0.0, data)], tick)


def unpacked(path: Path) -> bytes:
    with gzip.open(path) as file:
        return file.read()


def test_old_files_become_gz_and_the_count_holds_for_them(path: Path) -> None:
    sink = sink_at(path, SizeRotation(5, 2))
    for number in range(5):
        write(sink, b"%04d\n" % number)
        settled(path, "app.log", *(f"app.log.{each + 1}.gz" for each in range(min(number, 2))))
    sink.close()
    assert path.read_bytes() == b"0004\n"
    assert unpacked(path.with_name("app.log.1.gz")) == b"0003\n"
    assert unpacked(path.with_name("app.log.2.gz")) == b"0002\n"


def test_dated_files_become_gz_and_the_oldest_go(path: Path) -> None:
    now = [1_700_000_000.0]
    sink = sink_at(path, TimedRotation(Calendar("D", utc=True), 2, lambda: now[0]))
    for day in range(5):
        write(sink, b"day %d\n" % day)
        now[0] += 86400
        wait_until(lambda: not list(path.parent.glob("*[0-9]")), "the compression", detail=lambda: names(path))
    sink.close()
    assert names(path) == ["app.log", "app.log.20231116.gz", "app.log.20231117.gz"]
    assert unpacked(path.with_name("app.log.20231117.gz")) == b"day 3\n"


def test_what_a_crash_left_is_put_right(path: Path) -> None:
    path.with_name("app.log.1").write_bytes(b"whole\n")
    path.with_name("app.log.1.gz").write_bytes(b"older")
    path.with_name(".app.log.1.gz.part").write_bytes(b"half")
    path.with_name(".other.log.1.gz.part").write_bytes(b"another's")
    sink = sink_at(path, SizeRotation(100, 2))
    write(sink, b"new\n")
    settled(path, ".other.log.1.gz.part", "app.log", "app.log.1.gz")
    sink.close()
    assert unpacked(path.with_name("app.log.1.gz")) == b"whole\n"


def test_a_file_keeps_its_mode_and_time(path: Path) -> None:
    old = path.with_name("app.log.1")
    old.write_bytes(b"secret\n")
    old.chmod(0o640)
    written_at = old.stat().st_mtime_ns
    sink = sink_at(path, SizeRotation(100, 1))
    write(sink, b"new\n")
    settled(path, "app.log", "app.log.1.gz")
    sink.close()
    status = path.with_name("app.log.1.gz").stat()
    assert (status.st_mode & 0o777, status.st_mtime_ns) == (0o640, written_at)


class Gate:
    """Holds the compressor in the middle of a file."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.entered, self.opened = threading.Event(), threading.Event()
        real = compression._compressed

        def compressed(source):  # type: ignore[no-untyped-def]
            self.entered.set()
            assert self.opened.wait(PATIENCE_S)
            yield from real(source)

        monkeypatch.setattr(compression, "_compressed", compressed)


def test_a_file_that_is_renamed_meanwhile_gets_its_new_name(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(monkeypatch)
    sink = sink_at(path, SizeRotation(5, 3))
    write(sink, b"0001\n")
    write(sink, b"0002\n")
    assert gate.entered.wait(PATIENCE_S)
    # The writer is not held up, and the file under the compressor's hands goes from 1 to 2.
    write(sink, b"0003\n")
    gate.opened.set()
    settled(path, "app.log", "app.log.1.gz", "app.log.2.gz")
    sink.close()
    assert unpacked(path.with_name("app.log.2.gz")) == b"0001\n"
    assert unpacked(path.with_name("app.log.1.gz")) == b"0002\n"


def test_a_close_breaks_off_and_leaves_the_plain_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(monkeypatch)
    sink = sink_at(path, SizeRotation(5, 3))
    write(sink, b"0001\n")
    write(sink, b"0002\n")
    assert gate.entered.wait(PATIENCE_S)
    closing = threading.Thread(target=sink.close, daemon=True)
    closing.start()
    wait_until(lambda: sink._rotation._is_closing, "the close")  # type: ignore[attr-defined]
    gate.opened.set()
    closing.join(PATIENCE_S)
    assert not closing.is_alive()
    assert names(path) == ["app.log", "app.log.1"]


def test_a_disk_that_refuses_leaves_the_plain_file(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("circus_stack.streams.compression.os.fsync", refuse)
    sink = sink_at(path, SizeRotation(5, 3))
    write(sink, b"0001\n0002\n")
    wait_until(lambda: caplog.records, "the warning")
    sink.close()
    assert names(path) == ["app.log", "app.log.1"]
    assert "cannot compress" in caplog.text
    assert "it stays as it is" in caplog.text


def test_a_directory_that_could_not_be_read_is_looked_at_again(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # A directory that hides what an earlier run had begun: it can't be unlinked like a file.
    path.with_name(".app.log.9.gz.part").mkdir()
    rotation = SizeRotation(5, 3)

    def refuse(_path: Path) -> list[Path]:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as hidden:
        hidden.setattr(rotation, "old_files", refuse)
        sink = sink_at(path, rotation)
        write(sink, b"0001\n")
        wait_until(lambda: "cannot look for old files" in caplog.text, "the warning")
        wait_until(lambda: sink._rotation._thread is None, "the end of the pass")  # type: ignore[attr-defined]
    write(sink, b"0002\n")
    settled(path, ".app.log.9.gz.part", "app.log", "app.log.1.gz")
    sink.close()
