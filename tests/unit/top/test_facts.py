"""What of a line has no column, in words."""

from __future__ import annotations

from circus_stack.client.stats.records import NO_FIGURES, Figures
from circus_stack.top.facts import facts_of, wrapped


def test_what_is_known_is_told() -> None:
    figures = Figures(
        uss=3 * 2**20,
        files=12,
        voluntary_switches=12_400,
        involuntary_switches=3,
        in_flight=3,
        group_memory=2**20,
        group_memory_limit=2**30,
    )
    assert facts_of(figures) == [
        *("in flight 3", "uss 3.0M", "files 12", "waits 12.4k", "preempted 3", "group 1.0M of 1.0G"),
    ]
    assert facts_of(NO_FIGURES) == []


def test_lines_are_filled() -> None:
    assert wrapped(["uss 3.0M", "files 12", "waits 4"], 18) == ["uss 3.0M  files 12", "waits 4"]
    assert wrapped(["longer than that"], 4) == ["longer than that"]
    assert wrapped([], 10) == []
