"""The file behind a ledger: in order, whole, private, and no reason to stop for anybody."""

from __future__ import annotations

import fcntl
import os
import resource
import stat
import time
from pathlib import Path

import pytest

from circus_stack.arbiter.adoption.ledger import Ledger, read_facts
from circus_stack.errors import CircusStackError, StackRunningError
from circus_stack.system.journal import JournalDirectory, is_locked
from tests.support.waiting import wait_until


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "state" / "ledger"


def facts(place: Path) -> dict[str, bytes]:
    """What a reader would find now: nothing before the first line is written."""
    try:
        data = (place / "journal").read_bytes()
    except FileNotFoundError:
        return {}
    return {name: bytes(value) for name, value in read_facts(data).items()}


def test_what_was_put_last_is_read(place: Path) -> None:
    ledger = Ledger(JournalDirectory.take(place), pytest.fail)
    ledger.rewrite()
    ledger.put("head", {"a": 1})
    ledger.put("process/1", {"pid": 5})
    ledger.put("process/1", {"pid": 5, "ready": True})
    ledger.put("process/2", {"pid": 6})
    ledger.drop("process/2")
    ledger.close(remove=False)

    assert facts(place) == {"head": b'{"a":1}', "process/1": b'{"pid":5,"ready":true}'}


def test_a_fact_that_is_the_same_is_not_written_again(place: Path) -> None:
    ledger = Ledger(JournalDirectory.take(place), pytest.fail)
    for _ in range(100):
        ledger.put("head", {"a": 1})
        ledger.drop("nothing")
    ledger.close(remove=False)

    assert (place / "journal").read_bytes() == b'["head",{"a":1}]\n'


def test_the_file_stays_small(place: Path) -> None:
    ledger = Ledger(JournalDirectory.take(place), pytest.fail)
    for number in range(20_000):
        ledger.put("head", {"number": number, "text": "x" * 100})
    ledger.close(remove=False)

    assert facts(place)["head"].startswith(b'{"number":19999,')
    assert (place / "journal").stat().st_size < 300 * 1024


def test_it_is_its_owners_alone(place: Path) -> None:
    place.mkdir(mode=0o755, parents=True)
    before = os.umask(0)
    try:
        directory = JournalDirectory.take(place)
        ledger = Ledger(directory, pytest.fail)
        ledger.put("head", 1)
        ledger.close(remove=False)
    finally:
        os.umask(before)

    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert {stat.S_IMODE(each.stat().st_mode) for each in place.iterdir()} == {0o600}


def test_a_link_in_its_place_is_not_followed(place: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    place.mkdir(parents=True)
    (place / "journal").symlink_to(victim)

    directory = JournalDirectory.take(place)
    assert directory.read() is None
    ledger = Ledger(directory, lambda _text: None)
    ledger.rewrite()
    ledger.put("head", 1)
    ledger.close(remove=False)

    assert victim.read_text() == "mine"
    assert facts(place) == {"head": b"1"}


def test_a_directory_of_somebody_else_is_refused(place: Path) -> None:
    place.mkdir(parents=True)
    os.chown(place, 65534, 65534)

    with pytest.raises(CircusStackError, match="belongs to user 65534"):
        JournalDirectory.take(place)


def test_who_lives_has_it_alone(place: Path) -> None:
    directory = JournalDirectory.take(place)

    assert is_locked(place)
    with pytest.raises(StackRunningError, match="runs already"):
        JournalDirectory.take(place)
    directory.release(remove=True)
    assert not is_locked(place)
    assert not place.exists()


def test_a_full_disk_is_told_once_and_mended_later(place: Path) -> None:
    told: list[str] = []
    ledger = Ledger(JournalDirectory.take(place), told.append)
    ledger.rewrite()
    ledger.put("process/1", {"pid": 1})
    wait_until(lambda: facts(place), "the first fact")
    # EFBIG in place of ENOSPC: a disk that fills for one file alone. The signal would end us otherwise.
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30, hard))
    try:
        for number in range(2, 50):
            ledger.put(f"process/{number}", {"pid": number})
        wait_until(lambda: told, "the trouble to be told")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    # Each try is one fact: the first that succeeds tells that all the others are to be written again.
    pids = iter(range(50, 10_000))

    def is_whole() -> bool:
        number = next(pids)
        ledger.put(f"process/{number}", {"pid": number})
        return len(facts(place)) >= 50

    wait_until(is_whole, "all facts on the disk", pause_s=0.05)
    ledger.close(remove=False)

    assert len(told) == 1
    assert {f"process/{number}" for number in range(1, 50)} <= set(facts(place))


def test_who_only_looks_keeps_nobody_from_it(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    JournalDirectory.take(place).release(remove=False)
    looks = [os.open(place / "lock", os.O_RDWR)]
    fcntl.flock(looks[0], fcntl.LOCK_SH)
    monkeypatch.setattr(time, "sleep", lambda _pause_s: os.close(looks.pop()))
    directory = JournalDirectory.take(place)

    assert looks == []
    directory.release(remove=True)


def test_the_lock_of_a_writer_that_goes_meanwhile_is_not_taken_for_one(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = JournalDirectory.take(place)
    real = fcntl.flock

    def late(fd: int, how: int) -> None:
        monkeypatch.setattr(fcntl, "flock", real)
        before.release(remove=True)
        real(fd, how)

    monkeypatch.setattr(fcntl, "flock", late)
    after = JournalDirectory.take(place)

    assert is_locked(place)
    after.release(remove=True)
