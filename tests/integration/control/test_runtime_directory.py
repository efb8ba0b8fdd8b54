"""The runtime directory: one stack, one user, found by clients while it lives, cleared away when it was killed."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from circus_stack.client.discovery import find_stacks, read_stack
from circus_stack.client.liveness import is_alive, remove_if_dead
from circus_stack.errors import CircusStackError, StackRunningError
from circus_stack.protocol.record import StackRecord, encode_record
from circus_stack.protocol.rundir import RuntimePaths, runtime_paths, runtime_root
from circus_stack.system import rundir
from circus_stack.system.rundir import RuntimeDirectory
from tests.integration.control.served import short_directory
from tests.support.waiting import PATIENCE_S, wait_until

ID = "0123456789"


@pytest.fixture
def base() -> Iterator[Path]:
    with short_directory() as directory:
        yield directory


@pytest.fixture
def environ(base: Path) -> dict[str, str]:
    return {"XDG_RUNTIME_DIR": str(base)}


@pytest.fixture
def paths(base: Path, environ: dict[str, str]) -> RuntimePaths:
    return runtime_paths(runtime_root(environ, os.getuid(), base), ID)


def record(pid: int = 7) -> bytes:
    return encode_record(
        StackRecord(id=ID, name="notes", source="/srv/a.ini", pid=pid, started_at=1.0, endpoint="ipc://x")
    )


def test_it_is_for_its_user_alone_and_leaves_nothing_behind(base: Path, paths: RuntimePaths) -> None:
    held = RuntimeDirectory.acquire(paths)
    held.write_record(record())

    assert paths.directory.stat().st_mode & 0o777 == 0o700
    assert paths.directory.parent.stat().st_mode & 0o777 == 0o700
    assert paths.record.stat().st_mode & 0o777 == 0o600
    held.release()
    held.release()
    assert not paths.directory.exists()


def test_a_second_stack_is_refused_with_the_pid_of_the_first(paths: RuntimePaths) -> None:
    held = RuntimeDirectory.acquire(paths)
    try:
        with pytest.raises(StackRunningError, match=f"runs already as pid {os.getpid()}; .*{paths.directory}"):
            RuntimeDirectory.acquire(paths)
    finally:
        held.release()
    RuntimeDirectory.acquire(paths).release()


def test_a_link_in_its_place_is_refused(base: Path, paths: RuntimePaths) -> None:
    elsewhere = base / "elsewhere"
    elsewhere.mkdir()
    paths.directory.parent.mkdir()
    paths.directory.symlink_to(elsewhere)

    with pytest.raises(CircusStackError, match="cannot make the runtime directory"):
        RuntimeDirectory.acquire(paths)
    assert list(elsewhere.iterdir()) == []


def test_a_link_in_place_of_the_lock_is_not_followed(base: Path, paths: RuntimePaths) -> None:
    paths.directory.mkdir(parents=True)
    victim = base / "victim"
    victim.write_text("precious")
    paths.lock.symlink_to(victim)

    with pytest.raises(CircusStackError, match="cannot lock"):
        RuntimeDirectory.acquire(paths)
    assert victim.read_text() == "precious"


def test_a_directory_of_another_user_is_refused(paths: RuntimePaths, monkeypatch: pytest.MonkeyPatch) -> None:
    paths.directory.mkdir(parents=True)
    monkeypatch.setattr(rundir.os, "geteuid", lambda: os.getuid() + 4711)

    with pytest.raises(CircusStackError, match=f"belongs to user {os.getuid()}"):
        RuntimeDirectory.acquire(paths)


def test_a_parent_that_others_can_write_to_is_refused_unless_it_is_sticky(paths: RuntimePaths) -> None:
    parent = paths.directory.parent
    parent.mkdir()
    parent.chmod(0o777)
    with pytest.raises(CircusStackError, match=f"others can write to {parent}: chmod 0700"):
        RuntimeDirectory.acquire(paths)

    parent.chmod(0o1777)
    RuntimeDirectory.acquire(paths).release()


def test_a_place_that_cannot_be_is_told() -> None:
    with pytest.raises(CircusStackError, match=r"cannot make .*/proc/none.*Set XDG_RUNTIME_DIR"):
        RuntimeDirectory.acquire(runtime_paths(Path("/proc/none"), ID))


def test_a_running_stack_is_found(environ: dict[str, str], base: Path, paths: RuntimePaths) -> None:
    held = RuntimeDirectory.acquire(paths)
    try:
        assert find_stacks(environ, temporary=base).stacks == ()
        held.write_record(record())
        [found] = find_stacks(environ, temporary=base).stacks

        assert (found.record.name, found.paths.id) == ("notes", ID)
        assert is_alive(paths)
    finally:
        held.release()
    assert find_stacks(environ, temporary=base).stacks == ()
    assert not is_alive(paths)


def test_a_directory_of_another_user_is_not_searched(environ: dict[str, str], base: Path, paths: RuntimePaths) -> None:
    held = RuntimeDirectory.acquire(paths)
    try:
        held.write_record(record())
        assert find_stacks(environ, uid=os.getuid() + 4711, temporary=base).stacks == ()
    finally:
        held.release()


HOLDER = """
import sys, time
from pathlib import Path
from circus_stack.protocol.rundir import RuntimePaths
from circus_stack.system.rundir import RuntimeDirectory
held = RuntimeDirectory.acquire(RuntimePaths(Path(sys.argv[1])))
held.write_record(sys.argv[2].encode())
time.sleep(600)
"""


def test_what_a_killed_stack_left_is_ignored_and_cleared_away(
    environ: dict[str, str], base: Path, paths: RuntimePaths
) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(paths.directory), record().decode()])
    try:
        wait_until(lambda: read_stack(paths), "the stack")
        (paths.directory / "unknown").touch()
    finally:
        holder.kill()
        holder.wait(PATIENCE_S)

    assert paths.record.exists()
    assert find_stacks(environ, temporary=base).stacks == ()
    assert [each.name for each in paths.directory.iterdir()] == ["unknown"]
    (paths.directory / "unknown").unlink()
    RuntimeDirectory.acquire(paths).release()


def test_clients_that_look_never_make_a_start_fail(paths: RuntimePaths) -> None:
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            read_stack(paths)
            remove_if_dead(paths)
            time.sleep(0.001)

    lookers = [threading.Thread(target=look) for _ in range(3)]
    for looker in lookers:
        looker.start()
    try:
        for _ in range(30):
            held = RuntimeDirectory.acquire(paths)
            held.write_record(record())
            assert read_stack(paths) is not None
            held.release()
    finally:
        stop.set()
        for looker in lookers:
            looker.join(PATIENCE_S)


def test_a_lock_that_was_replaced_meanwhile_is_not_taken_for_the_new_one(
    paths: RuntimePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client opens the lock of a stack that ends; before the client locks it, another stack has begun."""
    first = RuntimeDirectory.acquire(paths)
    started: list[RuntimeDirectory] = []
    really_lock = fcntl.flock

    def lock_late(fd: int, how: int) -> None:
        if how & fcntl.LOCK_NB and how & fcntl.LOCK_EX and not started:
            monkeypatch.setattr(fcntl, "flock", really_lock)
            first.release()
            started.append(RuntimeDirectory.acquire(paths))
            started[0].write_record(record())
        really_lock(fd, how)

    monkeypatch.setattr(fcntl, "flock", lock_late)
    remove_if_dead(paths)
    assert read_stack(paths) is not None
    started[0].release()
