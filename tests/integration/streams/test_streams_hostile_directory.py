"""A log directory that another user may write to, as that of the workers often is: what he puts there."""

from __future__ import annotations

import gzip
import os
import secrets
import tempfile
from pathlib import Path

import pytest

from circus_stack.streams.block import Block, Origin
from circus_stack.streams.compression import CompressedRotation
from circus_stack.streams.joining import RawJoiner
from circus_stack.streams.logfile import LogFile
from circus_stack.streams.output import Console
from circus_stack.streams.place import Place
from circus_stack.streams.rotation import NoRotation, Rotation, SizeRotation
from circus_stack.streams.sink import SinkError
from circus_stack.streams.sinks.file import FileSink
from circus_stack.streams.sinks.file_streams import FileOptions, path_of
from tests.support.waiting import wait_until

ORIGIN = Origin("web", 1, 10, "stdout")
NOBODY = 65534
needs_root = pytest.mark.usefixtures("as_root")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "app.log"


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """A file that he must not reach."""
    file = tmp_path / "ours"
    file.write_bytes(b"ours\n")
    file.chmod(0o600)
    return file


def sink_at(path: Path, rotation: Rotation | None = None) -> FileSink:
    return FileSink(LogFile(path), RawJoiner().join, rotation or NoRotation())


def write(sink: FileSink, data: bytes) -> None:
    sink.write([Block(ORIGIN, 0.0, data)], lambda: None)


def state(file: Path) -> tuple[bytes, int, int]:
    return file.read_bytes(), file.stat().st_mode & 0o777, file.stat().st_uid


def test_a_link_where_a_compressed_file_will_be_is_not_followed(
    path: Path, ours: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # Even one who could foresee the name.
    monkeypatch.setattr(secrets, "token_hex", lambda _count: "0")
    old, before = path.with_name("app.log.1"), state(ours)
    old.write_bytes(b"old\n")
    old.chmod(0o666)
    for name in (".app.log.1.gz.part", ".app.log.1.0.gz.part"):
        path.with_name(name).symlink_to(ours)
    compressed = CompressedRotation(SizeRotation(100, 1), path)
    monkeypatch.setattr(compressed, "_remove_parts", lambda: None)
    sink = sink_at(path, compressed)
    write(sink, b"new\n")
    wait_until(lambda: caplog.records, "the warning")
    sink.close()

    assert state(ours) == before
    assert old.read_bytes() == b"old\n"


@pytest.mark.parametrize("kind", ["link", "fifo"])
def test_an_old_file_that_is_none_is_left_alone_and_holds_nothing_up(path: Path, ours: Path, kind: str) -> None:
    old, before = path.with_name("app.log.1"), state(ours)
    old.symlink_to(ours) if kind == "link" else os.mkfifo(old)
    path.with_name("app.log.2").write_bytes(b"old\n")
    sink = sink_at(path, CompressedRotation(SizeRotation(100, 2), path))
    write(sink, b"new\n")
    wait_until(path.with_name("app.log.2.gz").exists, "the next file")
    sink.close()

    assert state(ours) == before
    assert not path.with_name("app.log.1.gz").exists()
    assert gzip.decompress(path.with_name("app.log.2.gz").read_bytes()) == b"old\n"


@needs_root
def test_a_link_of_another_user_leads_to_files_of_his_alone(path: Path, ours: Path) -> None:
    path.symlink_to(ours)
    os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    sink, before = sink_at(path), state(ours)

    with pytest.raises(SinkError, match="is a link of user 65534"):
        write(sink, b"line\n")
    assert state(ours) == before
    os.chown(ours, NOBODY, NOBODY)
    write(sink, b"line\n")
    sink.close()
    assert ours.read_bytes() == b"ours\nline\n"


@needs_root
def test_a_link_of_another_user_makes_no_file(path: Path) -> None:
    path.symlink_to("new")
    os.chown(path, NOBODY, NOBODY, follow_symlinks=False)

    with pytest.raises(SinkError):
        write(sink_at(path), b"line\n")
    assert not path.with_name("new").exists()


def test_links_of_our_own_are_followed(path: Path) -> None:
    path.symlink_to("second")
    path.with_name("second").symlink_to(path.parent / "target")
    sink = sink_at(path)
    write(sink, b"line\n")
    sink.close()

    assert path.with_name("target").read_bytes() == b"line\n"


def test_a_loop_of_links_is_an_error(path: Path) -> None:
    path.symlink_to(path.name)

    with pytest.raises(SinkError, match="symbolic links"):
        write(sink_at(path), b"line\n")


def test_a_link_to_an_open_file_of_our_own_is_followed(path: Path, tmp_path: Path) -> None:
    with (tmp_path / "output").open("wb") as output:
        path.symlink_to(f"/proc/self/fd/{output.fileno()}")
        sink = sink_at(path)
        write(sink, b"line\n")
        sink.close()

    assert (tmp_path / "output").read_bytes() == b"line\n"


def test_a_temporary_file_stays_where_such_files_are_and_holds_nothing_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    before = len(list(Path("/proc/self/fd").iterdir()))
    for name in ("../escaped", "x" * 300, "plain"):
        made = path_of(FileOptions(), Place(name, "stdout", Console.of_process()))
        assert made.parent == tmp_path / "temporary"
    assert len(list(Path("/proc/self/fd").iterdir())) == before
