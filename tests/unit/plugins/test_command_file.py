"""Which file a command line executes, through whatever links, and when it is another one."""

from __future__ import annotations

import os

from circus_stack.plugins.command_file import command_path, directories, look_at


def test_path_of_a_command(tmp_path):
    (tmp_path / "tool").write_text("#!/bin/sh\n")
    (tmp_path / "tool").chmod(0o755)

    assert command_path("bin/run --x 'a b'", "/srv/app", None) == tmp_path.__class__("/srv/app/bin/run")
    assert command_path("/bin/run", "/srv", None) == tmp_path.__class__("/bin/run")
    assert command_path("tool -v", None, str(tmp_path)) == tmp_path / "tool"
    assert command_path("missing", None, str(tmp_path)) is None
    assert command_path("'open", None, None) is None
    assert command_path("  ", None, None) is None


def test_a_file_changes_by_content_and_by_replacement(tmp_path):
    file = tmp_path / "run"
    file.write_text("1")
    first = look_at(file)
    assert first == look_at(file)

    (tmp_path / "new").write_text("1")
    (tmp_path / "new").replace(file)
    second = look_at(file)
    assert first != second

    os.utime(file, ns=(1, 1))
    assert look_at(file) != second


def test_no_file_is_no_file(tmp_path):
    (tmp_path / "loop").symlink_to("loop")

    assert look_at(tmp_path / "none") is None
    assert look_at(tmp_path / "loop") is None


def test_links_are_watched_where_they_stand(tmp_path):
    root = tmp_path.resolve()
    (root / "releases" / "1" / "bin").mkdir(parents=True)
    (root / "releases" / "1" / "bin" / "run").touch()
    (root / "current").symlink_to("releases/1")
    (root / "tool").symlink_to("current/bin/run")

    assert set(directories(root / "tool")) == {root, root / "releases" / "1" / "bin"}
    assert list(directories(root / "gone" / "x")) == []


def test_a_loop_of_links_ends(tmp_path):
    (tmp_path / "loop").symlink_to("loop")

    assert list(directories(tmp_path / "loop"))
