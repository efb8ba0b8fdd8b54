"""Who belongs to a process, as far as memory goes; and how much there is."""

from __future__ import annotations

import os

from circus_stack.system.memory import MemoryReader, Usage, _limits_above, _Table, total_memory


def test_a_family_is_the_session_and_all_that_descends_from_it() -> None:
    # 20 has left the session of 10, and 21 is its child; 12 is an orphan that stayed in the session; 30 is nobody's.
    table = _Table(0.0, {1: [10, 30, 12], 10: [11, 20], 20: [21]}, {10: [10, 11, 12], 20: [20, 21], 30: [30]})
    assert table.family(10) == {10, 11, 12, 20, 21}
    assert table.family(20) == {20, 21}
    assert table.family(99) == {99}


def test_our_own_memory_is_there_and_a_share_is_not_more_than_the_whole() -> None:
    me = os.getpid()
    reader = MemoryReader()
    whole = reader.read([me], pss_above=None)[me]
    share = reader.read([me], pss_above=0)[me]
    assert (whole.kind, share.kind) == ("rss", "pss")
    assert 1_000_000 < share.bytes <= whole.bytes * 1.5 < total_memory()
    assert reader.read([me], pss_above=whole.bytes * 10)[me].kind == "rss"


def test_who_is_gone_uses_nothing() -> None:
    assert MemoryReader().read([2**22 + 1], pss_above=None) == {2**22 + 1: Usage(0, "rss")}


def test_processes_are_looked_up_once_for_all_who_ask_at_the_same_time() -> None:
    now = [100.0]
    reader = MemoryReader(lambda: now[0])
    first = reader._processes()
    now[0] += 0.4
    assert reader._processes() is first
    now[0] += 0.2
    assert reader._processes() is not first


def test_the_limits_of_a_group_and_of_those_around_it(tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "memory.max").write_text("9000\n")
    (tmp_path / "a" / "memory.max").write_text("5000\n")
    (tmp_path / "a" / "b" / "memory.max").write_text("max\n")
    assert list(_limits_above(tmp_path, "/a/b", "memory.max")) == [5000, 9000]
    # In a container the group's own path may not be there.
    assert list(_limits_above(tmp_path, "/x/y", "memory.max")) == [9000]
