"""Files that are written whole, and that nobody else can have chosen."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from circus_stack.errors import CircusStackError, StackRunningError
from circus_stack.system.atomic_file import write_atomically
from circus_stack.system.pidfile import PidFile


def test_the_new_file_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "record"
    path.write_text("old, and longer")
    before = path.stat().st_ino
    write_atomically(path, b"new", 0o600)
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.stat().st_ino != before
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_in_its_place_is_replaced_and_not_followed(tmp_path: Path) -> None:
    victim, path = tmp_path / "victim", tmp_path / "record"
    victim.write_text("precious")
    path.symlink_to(victim)
    write_atomically(path, b"new", 0o600)
    assert victim.read_text() == "precious"
    assert not path.is_symlink()


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_atomically(tmp_path / "taken", b"new", 0o600)
    assert list(tmp_path.iterdir()) == [tmp_path / "taken"]


def test_no_link_beside_the_pid_file_is_followed(tmp_path: Path) -> None:
    """Whoever can write to its directory knows our pid, and could foresee the name of a file beside it."""
    victim, path = tmp_path / "victim", tmp_path / "app.pid"
    victim.write_text("precious")
    (tmp_path / f"app.pid.{os.getpid()}").symlink_to(victim)
    pidfile = PidFile(path)
    pidfile.write()
    assert victim.read_text() == "precious"
    assert not path.is_symlink()
    assert path.read_text() == f"{os.getpid()}\n"
    assert path.stat().st_mode & 0o444 == 0o444
    pidfile.remove()
    assert not path.exists()


def test_a_pid_file_of_a_process_that_lives_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "app.pid"
    path.write_text("1\n")
    with pytest.raises(StackRunningError, match="names pid 1, which runs"):
        PidFile(path).write()
    assert path.read_text() == "1\n"


def test_a_pid_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(CircusStackError, match=r"cannot write the pid file .*No such file or directory"):
        PidFile(tmp_path / "no-such-directory" / "app.pid").write()
