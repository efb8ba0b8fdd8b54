"""Figures that are dear to read: at a slow pace, some at a time, summed, counted up; what the kernel's files say."""

from __future__ import annotations

from pathlib import Path

from circus_stack.stats.collect.slow import NOTHING, Change, SlowFields, SlowFigures
from circus_stack.stats.collect.slow_files import read_slow
from circus_stack.stats.metrics.slow_usage import SlowMeter


class Clock:
    """Each reading takes a millisecond."""

    def __init__(self) -> None:
        self.now = 100.0
        self.read: list[int] = []

    def __call__(self) -> float:
        return self.now

    def reader(self, pid: int) -> SlowFields | None:
        self.now += 0.001
        self.read.append(pid)
        if pid == 14:
            return None
        return {**NOTHING, "pss": None if pid == 13 else 1000 + pid, "files": 3}


def test_some_at_a_time_the_longest_unread_first() -> None:
    clock = Clock()
    slow = SlowFigures(clock.reader, clock)
    pids = range(1, 11)
    slow.refresh(pids)
    assert (clock.read[:3], len(clock.read) < 6, slow.of_watcher("web", pids, ())["pss"]) == ([1, 2, 3], True, None)
    for _ in range(5):
        slow.refresh(pids)
    assert clock.read == list(pids)
    assert slow.of_watcher("web", pids, ())["pss"] == sum(1000 + pid for pid in pids)
    assert slow.refresh(pids) == []
    clock.now += 60
    assert slow.refresh(pids)[0] == Change(1, clock.reader(1), clock.reader(1))


def test_what_is_hidden_hides_the_sum_of_that_alone() -> None:
    clock = Clock()
    slow = SlowFigures(clock.reader, clock)
    slow.refresh([12, 13, 14])
    assert (slow.of(12)["pss"], slow.of(13)["pss"], slow.of(99)["pss"]) == (1012, None, None)
    both = slow.of_watcher("web", [12, 13], ())
    assert (both["pss"], both["files"]) == (None, 6)
    # A descendant that came just now, or hides, is left out.
    assert slow.of(12, [13, 99])["pss"] == 1012
    assert slow.of(12, [13, 99])["files"] == 6
    # One that is gone is one of which nothing is known.
    assert slow.of_watcher("jobs", [12, 14], ()) == NOTHING
    slow.keep({13}, {"web"})
    assert slow.of(12) == NOTHING


def test_a_sum_is_made_anew_every_few_seconds_or_when_there_are_others() -> None:
    clock = Clock()
    slow = SlowFigures(clock.reader, clock)
    slow.refresh([1, 2])
    first = slow.of_watcher("web", [1], ())
    assert slow.of_watcher("web", [2], ()) is first
    assert slow.of_watcher("web", [1, 2], ())["pss"] == 2003
    clock.now += 10
    assert slow.of_watcher("web", [2], ())["pss"] == 1002


def test_a_control_group_is_of_the_whole_watcher() -> None:
    told = {1: 4096, 2: 8192}

    def read(pid: int) -> SlowFields:
        group = {"group_memory": told[pid], "group_memory_limit": None, "group_throttled": 0.0} if pid in told else {}
        return {**NOTHING, "pss": 1, **group}

    slow = SlowFigures(read)
    slow.refresh([1, 2, 3])
    while any(not slow.of(pid)["pss"] for pid in (1, 2, 3)):
        slow.refresh([1, 2, 3])
    found = slow.of_watcher("web", [1, 2], ())
    assert (found["pss"], found["group_memory"], found.get("group_memory_limit")) == (2, 8192, None)
    assert found["group_throttled"] == 0.0
    assert "group_memory" not in slow.of_watcher("job", [3], ())


def test_counts_only_grow() -> None:
    meter = SlowMeter()
    first = {**NOTHING, "voluntary_switches": 10, "read_bytes": 100}
    meter.add("web", None, first)
    meter.add("web", first, {**first, "voluntary_switches": 15, "read_bytes": 90})
    meter.add("web", first, None)
    assert meter.counts["web"]["voluntary_switches"] == 15
    assert (meter.counts["web"]["read_bytes"], meter.counts["web"]["written_bytes"]) == (100, 0)
    meter.keep(["job"])
    assert meter.counts == {}


def test_what_the_kernels_files_say(tmp_path: Path) -> None:
    place = tmp_path / "7"
    for thread, switches in (("7", 3), ("8", 4)):
        (place / "task" / thread).mkdir(parents=True)
        (place / "task" / thread / "status").write_text(
            f"Name:\tx\nvoluntary_ctxt_switches:\t{switches}\nnonvoluntary_ctxt_switches:\t1\n"
        )
    (place / "fd").mkdir()
    for number in range(3):
        (place / "fd" / str(number)).touch()
    (place / "smaps_rollup").write_text(
        "00-ff ---p 00 00:00 0 [rollup]\nRss: 9 kB\nPss:       4 kB\nShared_Clean: 5 kB\n"
        "Shared_Dirty: 1 kB\nPrivate_Clean: 1 kB\nPrivate_Dirty: 2 kB\n"
    )
    (place / "io").write_text("rchar: 1\nread_bytes: 4096\nwrite_bytes: 8192\n")
    assert read_slow(7, str(tmp_path)) == {
        "pss": 4096,
        "uss": 3072,
        "shared": 6144,
        "files": 3,
        "voluntary_switches": 7,
        "involuntary_switches": 2,
        "read_bytes": 4096,
        "written_bytes": 8192,
    }


def test_what_may_not_be_read_is_not_known_and_who_is_gone_is_gone(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    assert read_slow(7, str(tmp_path)) == NOTHING
    assert read_slow(8, str(tmp_path)) is None
