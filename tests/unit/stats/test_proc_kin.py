"""Families by /proc, laid out in a directory."""

from pathlib import Path

import pytest

from circus_stack.stats.collect.proc_kin import ProcKin


def born(proc: Path, pid: int, parent: int) -> None:
    (proc / str(pid)).mkdir()
    (proc / str(pid) / "stat").write_text(f"{pid} (a) name) S {parent} 1 1 0 -1\n")


def dies(proc: Path, pid: int) -> None:
    (proc / str(pid) / "stat").unlink()
    (proc / str(pid)).rmdir()


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    (tmp_path / "uptime").write_text("1 1\n")
    for pid, parent in ((1, 0), (10, 1), (11, 10), (12, 11), (20, 1)):
        born(tmp_path, pid, parent)
    return tmp_path


def test_descendants_of_all_generations(proc: Path) -> None:
    kin = ProcKin(proc)
    kin.look()
    assert kin.below(10) == [11, 12]
    assert kin.below(20) == []
    assert kin.parent(12) == 11


def test_who_comes_and_goes_between_two_looks(proc: Path) -> None:
    kin = ProcKin(proc)
    kin.look()
    dies(proc, 12)
    born(proc, 13, 20)
    kin.look()
    assert kin.below(10) == [11]
    assert kin.below(20) == [13]
    assert kin.parent(12) == 0


def test_a_child_stays_in_its_family_when_its_parent_ends(proc: Path) -> None:
    kin = ProcKin(proc)
    kin.look()
    dies(proc, 11)
    (proc / "12" / "stat").write_text("12 (a) S 1 1 1\n")
    kin.look()
    assert kin.parent(12) == 11
