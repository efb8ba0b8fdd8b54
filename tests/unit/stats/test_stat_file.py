"""A line of /proc/PID/stat."""

import errno
import os

import pytest

from circus_stack.stats.collect.stat_file import _SKIPPED, StatFiles, _Kept, parse_stat

TICK = os.sysconf("SC_CLK_TCK")
LINE = (
    b"4711 (a) (b c) S 1 4711 4711 0 -1 4194560 1 2 3 4 250 50 30 20 20 -5 3 0 12345 8192000 100 "
    b"18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
)


def test_a_name_may_hold_blanks_and_parentheses() -> None:
    reading = parse_stat(LINE)
    assert reading.cpu == pytest.approx(300 / TICK)
    assert reading.children_cpu == pytest.approx(50 / TICK)
    assert reading.rss == 100 * os.sysconf("SC_PAGE_SIZE")
    assert (reading.vms, reading.threads, reading.nice) == (8192000, 3, -5)
    assert reading.started == pytest.approx(12345 / TICK)


@pytest.mark.parametrize("line", [b"", b"4711", b"4711 (sh) S 1 2", b"4711 (sh) " + b"x " * 40])
def test_anything_else_is_an_error(line: bytes) -> None:
    with pytest.raises((ValueError, IndexError)):
        parse_stat(line)


@pytest.mark.parametrize("limit", [1024, 0])
def test_this_process_is_read_with_a_kept_descriptor_and_without(limit: int) -> None:
    files = StatFiles(limit)
    try:
        first, second = files.read(os.getpid()), files.read(os.getpid())
        assert first is not None
        assert second is not None
        assert second.started == first.started
        assert second.cpu >= first.cpu
        assert first.rss > 0
    finally:
        files.close()


def test_a_line_that_stays_as_it_is_is_the_same_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [LINE, LINE, LINE.replace(b" 250 ", b" 251 "), LINE]
    monkeypatch.setattr(os, "pread", lambda *_: lines.pop(0))
    monkeypatch.setattr(_Kept, "watch_runs", lambda *_: None)
    files = StatFiles(1024)
    try:
        first, same, other, back = (files.read(os.getpid()) for _ in range(4))
        assert first is same
        assert other is not None
        assert other.cpu == pytest.approx(301 / TICK)
        assert back == first
    finally:
        files.close()


class Proc:
    """Files of one process by hand; `read` counts what was read of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stat, self.schedstat, self.read = LINE.replace(b" 3 0 12345", b" 1 0 12345"), b"100 0 1\n", list[str]()
        self._names: dict[int, str] = {}
        monkeypatch.setattr(os, "open", self._open)
        monkeypatch.setattr(os, "pread", self._pread)
        monkeypatch.setattr(os, "close", lambda _fd: None)

    def _open(self, path: str, _flags: int) -> int:
        number = 10_000 + len(self._names)
        self._names[number] = path.rpartition("/")[2]
        return number

    def _pread(self, fd: int, _size: int, _at: int) -> bytes:
        name = self._names[fd]
        self.read.append(name)
        return self.stat if name == "stat" else self.schedstat


def test_of_an_idle_process_only_the_runs_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    proc, files = Proc(monkeypatch), StatFiles(1024)
    for _ in range(3):
        first = files.read(7)
    del proc.read[:]
    for _ in range(3 * _SKIPPED):
        assert files.read(7) is first
    # Now and then its memory is looked at all the same.
    assert 2 <= proc.read.count("stat") <= 4
    assert proc.read.count("schedstat") == 3 * _SKIPPED


def test_one_that_has_run_is_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    proc, files = Proc(monkeypatch), StatFiles(1024)
    for _ in range(4):
        before = files.read(7)
    proc.stat, proc.schedstat = proc.stat.replace(b" 250 ", b" 280 "), b"300100 0 2\n"
    after = files.read(7)
    assert before is not None
    assert after is not None
    assert after.cpu - before.cpu == pytest.approx(30 / TICK)


@pytest.mark.parametrize(("threads", "schedstat"), [(b"2", b"100 0 1\n"), (b"1", b"0 0 0\n")])
def test_where_the_runs_do_not_tell_all_the_line_is_read(
    threads: bytes, schedstat: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    proc, files = Proc(monkeypatch), StatFiles(1024)
    proc.stat, proc.schedstat = proc.stat.replace(b" 1 0 12345", b" " + threads + b" 0 12345"), schedstat
    for _ in range(4):
        before = files.read(7)
    proc.stat = proc.stat.replace(b" 250 ", b" 280 ")
    assert files.read(7) != before


def test_one_that_starts_threads_is_read_by_its_line_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    proc, files = Proc(monkeypatch), StatFiles(1024)
    for _ in range(4):
        files.read(7)
    proc.stat, proc.schedstat = proc.stat.replace(b" 1 0 12345", b" 2 0 12345"), b"200 0 2\n"
    before = files.read(7)
    proc.stat = proc.stat.replace(b" 250 ", b" 280 ")
    assert files.read(7) != before


def test_there_is_no_process_of_that_number() -> None:
    assert StatFiles(1024).read(2**30) is None


def test_without_a_descriptor_a_process_has_no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(os, "open", refuse)
    assert StatFiles(1024).read(os.getpid()) is None
