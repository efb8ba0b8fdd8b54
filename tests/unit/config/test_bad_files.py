"""A file that can't be read, or makes no sense, is one clear mistake. `tests/fuzz` tries files of any kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from circus_stack.config.load import detect_kind, load_circus, load_stack
from circus_stack.config.schema import SourceKind
from circus_stack.errors import Problem
from circus_stack.services import KINDS
from tests.unit.config.stacks import APP, MACHINE, circus, mistakes, paste, write


def refused(path: Path) -> Problem:
    found = mistakes(load_stack, path, environ={}, service_kinds=KINDS, machine=MACHINE)
    assert found == mistakes(load_circus, path, environ={})
    assert len(found) == 1
    return found[0]


def test_a_file_that_does_not_exist(tmp_path: Path) -> None:
    assert "does not exist" in refused(tmp_path / "nope.ini").message
    assert "nor does the directory" in refused(tmp_path / "no" / "nope.ini").message


def test_a_directory(tmp_path: Path) -> None:
    assert "is a directory" in refused(tmp_path).message


def test_a_device() -> None:
    assert "regular file" in refused(Path("/dev/null")).message


@pytest.mark.parametrize(
    ("raw", "line", "word"),
    [
        (b"[a]\nb = \xff\n", 2, "UTF-8"),
        (b"\xef\xbb\xbf[a]\n", 1, "byte order mark"),
        (b"[a]\nb=1\nc=\0\n", 3, "NUL"),
    ],
)
def test_bytes_that_are_no_text(tmp_path: Path, raw: bytes, line: int, word: str) -> None:
    path = tmp_path / "app.ini"
    path.write_bytes(raw)
    problem = refused(path)
    assert (problem.line, word in problem.message) == (line, True)


def test_a_file_that_is_far_too_large(tmp_path: Path) -> None:
    path = tmp_path / "app.ini"
    with path.open("wb") as file:
        file.truncate(5 * 1024 * 1024)
    assert "larger" in refused(path).message


def test_a_file_without_a_section(tmp_path: Path) -> None:
    assert [each.line for each in mistakes(paste, tmp_path, "a = 1\nb = 2\n")] == [1, 2]
    assert "nothing to run" in mistakes(paste, tmp_path, "# nothing\n")[0].message
    assert "has no section" in mistakes(circus, tmp_path, "")[0].message


def test_a_server_without_an_application(tmp_path: Path) -> None:
    assert "has no application" in mistakes(paste, tmp_path, "[server:main]\nuse = egg:waitress\n")[0].message


@pytest.mark.parametrize("kind", ["app", "server", "pipeline"])
def test_a_section_without_a_name_is_not_found_by_pastedeploy(tmp_path: Path, kind: str) -> None:
    found = mistakes(paste, tmp_path, f"[{kind}]\nuse = egg:shop\n")
    assert (found[-1].line, found[-1].legal) == (1, f"[{kind}:main]")


def test_names_that_do_not_exist(tmp_path: Path) -> None:
    found = mistakes(paste, tmp_path, APP, app_name="mian", server_name="x")
    assert [(each.option, each.nearest) for each in found] == [("--app-name", "main"), ("--server-name", "")]


def test_lines_end_as_they_like(tmp_path: Path) -> None:
    path = tmp_path / "app.ini"
    path.write_bytes(b"[watcher:a]\r\ncmd = x\r\n  y\r\nnumprocesses = z\r\n")
    found = mistakes(load_circus, path, environ={})
    assert [(each.line, each.found) for each in found] == [(4, "z")]


def test_the_kind_of_a_file_is_told_by_its_sections(tmp_path: Path) -> None:
    assert detect_kind(write(tmp_path, APP)) is SourceKind.PASTE
    assert detect_kind(write(tmp_path, "[circus]\n[watcher:x]\ncmd = a\n")) is SourceKind.CIRCUS
    assert detect_kind(write(tmp_path, "[watcher:x]\ncmd = a\n[service:redis]\n")) is SourceKind.PASTE
    assert detect_kind(tmp_path / "nope") is SourceKind.PASTE
