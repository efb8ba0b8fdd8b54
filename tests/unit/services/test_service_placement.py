"""What is written before a service starts, with which modes, and whom it is for."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from msgspec import structs

from circus_stack.config.schema import WatcherConfig
from circus_stack.services import ServicePlan, place
from circus_stack.services.placement import PlacementError, _may_enter


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _plan(state: Path, text: str = "x", **watcher: str) -> ServicePlan:
    return ServicePlan(
        watcher=WatcherConfig(name="redis", **watcher),  # type: ignore[arg-type]
        files={state / "redis.conf": text},
        directories=(state, state / "data"),
    )


def test_directories_and_files_are_the_owners_alone(tmp_path: Path) -> None:
    state = tmp_path / "share" / "stack" / "redis"
    place(_plan(state))
    for directory in (state / "data", state, state.parent, state.parent.parent):
        assert _mode(directory) == 0o700
    assert _mode(state / "redis.conf") == 0o600
    assert sorted(path.name for path in state.iterdir()) == ["data", "redis.conf"]


def test_a_file_is_replaced_whole_and_a_directory_keeps_what_it_holds(tmp_path: Path) -> None:
    place(_plan(tmp_path / "redis", "old"))
    (tmp_path / "redis" / "data" / "dump").write_text("kept")
    before = (tmp_path / "redis" / "redis.conf").stat().st_ino
    place(_plan(tmp_path / "redis", "new"))
    assert (tmp_path / "redis" / "redis.conf").read_text() == "new"
    assert (tmp_path / "redis" / "redis.conf").stat().st_ino != before
    assert (tmp_path / "redis" / "data" / "dump").read_text() == "kept"


def test_a_seed_is_copied_once_and_then_the_services_own(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "redis" / "conf"
    (source / "lang").mkdir(parents=True)
    (source / "lang" / "stopwords.txt").write_text("der\n")
    plan = structs.replace(_plan(tmp_path / "redis"), seeds={target: source})
    place(plan)
    assert (target / "lang" / "stopwords.txt").read_text() == "der\n"
    (target / "lang" / "stopwords.txt").unlink()
    (target / "managed-schema").write_text("changed by the service")
    place(plan)
    assert not (target / "lang" / "stopwords.txt").exists()
    assert (target / "managed-schema").read_text() == "changed by the service"
    assert not list(target.parent.glob(".conf*"))


def test_a_link_in_the_place_of_a_file_is_not_followed(tmp_path: Path) -> None:
    state, victim = tmp_path / "redis", tmp_path / "victim"
    state.mkdir()
    victim.write_text("safe")
    (state / "redis.conf").symlink_to(victim)
    place(_plan(state))
    assert victim.read_text() == "safe"
    assert (state / "redis.conf").read_text() == "x"


def test_what_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "redis").write_text("a file where a directory should be")
    with pytest.raises(PlacementError, match=rf"\[service:redis\] cannot write {tmp_path}/redis"):
        place(_plan(tmp_path / "redis"))


def test_an_unknown_user_is_named(tmp_path: Path) -> None:
    with pytest.raises(PlacementError, match=r"no such user or group: .*no-such-user"):
        place(_plan(tmp_path / "redis", uid="no-such-user"))


class _Chown:
    """Records who is given what, in place of a system call that only root may make."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, int]] = []

    def __call__(self, _path: object, uid: int, gid: int) -> None:
        self.calls.append((uid, gid))


def test_a_service_of_another_user_owns_its_directories_and_can_reach_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chown = _Chown()
    monkeypatch.setattr(os, "chown", chown)
    monkeypatch.setattr(os, "fchown", chown)
    monkeypatch.setattr("circus_stack.services.placement._may_enter", lambda *_: True)
    stack = tmp_path / "stack"
    place(_plan(stack / "redis", uid="4711", gid="4712"))
    assert chown.calls == [(4711, 4712)] * 3
    assert _mode(stack) == 0o711, "it may be passed through, not looked into"


def test_a_directory_above_that_the_user_cannot_enter_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "chown", _Chown())
    monkeypatch.setattr(os, "fchown", _Chown())
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setattr("circus_stack.services.placement._may_enter", lambda directory, _: directory != closed)
    with pytest.raises(PlacementError, match=rf"user 4711, who cannot enter {closed}; set \[circus\] state_dir"):
        place(_plan(closed / "stack" / "redis", uid="4711"))


@pytest.mark.parametrize(
    ("mode", "owner", "may"),
    [
        (0o700, (os.geteuid(), -1), True),
        (0o600, (4711, 4712), False),
        (0o701, (4711, 4712), True),
        (0o710, (4711, os.getegid()), True),
        (0o701, (4711, os.getegid()), False),
        (0o000, (0, 0), True),
    ],
)
def test_who_may_enter_a_directory(tmp_path: Path, mode: int, owner: tuple[int, int], may: bool) -> None:
    directory = tmp_path / "directory"
    directory.mkdir()
    directory.chmod(mode)
    assert _may_enter(directory, owner) is may
