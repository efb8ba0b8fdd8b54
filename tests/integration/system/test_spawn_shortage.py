"""What a spawn says when the machine, not the command, is at fault; and that nothing of it runs on then."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
from collections.abc import Iterator

import pytest

from circus_stack.errors import ResourceShortageError, SpawnError
from circus_stack.system.descent import descendants
from circus_stack.system.spawn import SpawnPlan, is_shortage, spawn


@contextlib.contextmanager
def no_descriptor_left() -> Iterator[None]:
    """The soft limit stands at the lowest free number, so that the next open fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def null() -> Iterator[int]:
    fd = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    yield fd
    os.close(fd)


def plan(null: int, *argv: str) -> SpawnPlan:
    return SpawnPlan(argv, dict(os.environ), None, None, (), null, null)


def test_running_out_of_descriptors_is_no_fault_of_the_command(null: int) -> None:
    before = descendants()
    with no_descriptor_left(), pytest.raises(ResourceShortageError, match="'sleep': Too many open files"):
        spawn(plan(null, "sleep", "600"))
    assert descendants() == before


def test_a_command_that_cannot_run_is_no_shortage(null: int) -> None:
    with pytest.raises(SpawnError) as refused:
        spawn(plan(null, "/no/such/program"))
    assert not isinstance(refused.value, ResourceShortageError)
    assert not is_shortage(OSError(errno.EACCES, "Permission denied"))


def test_a_child_that_cannot_be_watched_does_not_run(null: int, monkeypatch: pytest.MonkeyPatch) -> None:
    before = descendants()
    started: list[int] = []

    # The spawn itself has just given back more descriptors than this takes: no limit makes it alone fail.
    def refuse(pid: int) -> int:
        started.append(pid)
        raise OSError(errno.ENFILE, "Too many open files in system")

    monkeypatch.setattr(os, "pidfd_open", refuse)
    with pytest.raises(ResourceShortageError, match="cannot watch 'sleep'"):
        spawn(plan(null, "sleep", "600"))
    assert len(started) == 1
    assert descendants() == before
