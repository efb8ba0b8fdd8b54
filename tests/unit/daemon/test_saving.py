"""Saving runtime changes: what is written, what is refused, and what of the file stays."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import pytest

from circus_stack.config.load import load_circus
from circus_stack.config.schema import StackConfig
from circus_stack.daemon.saving import save
from circus_stack.errors import CommandError

TEXT = "[watcher:web]\r\n# why\r\ncmd = sleep 1\r\nnumprocesses = 1\r\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "real.ini"
    path.write_bytes(TEXT.encode())
    path.chmod(0o604)
    (tmp_path / "stack.ini").symlink_to(path)
    return tmp_path / "stack.ini"


def read(file: Path) -> StackConfig:
    return load_circus(file, environ={})


def test_a_change_is_written_and_the_rest_stays(file: Path) -> None:
    stack = read(file)
    [web] = stack.watchers
    owner = file.stat().st_uid

    saved = save(stack, stack, [replace(web, numprocesses=4)])

    assert saved.path == str(file)
    assert saved.changes == ("~ [watcher:web] numprocesses = 4",)
    assert file.read_bytes().decode() == TEXT.replace("numprocesses = 1", "numprocesses = 4")
    assert file.is_symlink()
    assert (stat.S_IMODE(file.stat().st_mode), file.stat().st_uid) == (0o604, owner)
    assert sorted(each.name for each in file.parent.iterdir()) == ["real.ini", "stack.ini"]


def test_nothing_is_written_where_nothing_has_changed(file: Path) -> None:
    stack = read(file)
    before = file.stat().st_mtime_ns, file.stat().st_ino

    assert save(stack, stack, stack.watchers).changes == ()
    assert (file.stat().st_mtime_ns, file.stat().st_ino) == before


def test_a_file_that_says_something_else_by_now_is_left_alone(file: Path) -> None:
    stack = read(file)
    file.write_text("[watcher:web]\ncmd = sleep 2\n")

    with pytest.raises(CommandError, match="changed since it was read"):
        save(read(file), stack, stack.watchers)


def test_a_stack_without_a_file_has_nothing_to_save_into(file: Path) -> None:
    stack = replace(read(file), files=())

    with pytest.raises(CommandError, match="not read from a file"):
        save(stack, stack, stack.watchers)


def test_a_file_that_is_gone_is_told(file: Path) -> None:
    stack = read(file)
    file.resolve().unlink()

    with pytest.raises(CommandError, match="nothing was saved"):
        save(stack, stack, [])
