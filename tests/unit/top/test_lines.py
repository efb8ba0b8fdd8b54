"""Which lines there are and in which order: tree, sorting, filter, what is folded."""

from __future__ import annotations

import dataclasses

from circus_stack.top.columns import ALL, BY_NAME, COLUMNS, fitting
from circus_stack.top.lines import View, lines_of
from circus_stack.top.rows import StackRow
from tests.unit.top.rows import SHOP

OTHER = dataclasses.replace(SHOP, name="other")


def shown(view: View, *stacks: StackRow) -> list[str]:
    lines = lines_of(stacks or (SHOP,), view)
    return [
        str(line.process.pid) if line.process else line.watcher.name if line.watcher else line.stack.name
        for line in lines
    ]


def by(name: str) -> View:
    return View().sorted_by(BY_NAME[name])


def test_without_a_word_it_is_the_order_of_the_file() -> None:
    assert shown(View()) == ["web", "12", "11", "Jobs", "31", "idle"]


def test_numbers_are_sorted_from_the_highest_and_the_unknown_stands_last() -> None:
    assert shown(by("cpu")) == ["web", "11", "12", "Jobs", "31", "idle"]
    assert shown(by("cpu").sorted_by(BY_NAME["cpu"])) == ["Jobs", "31", "web", "12", "11", "idle"]
    assert shown(by("age")) == ["web", "12", "11", "Jobs", "31", "idle"]


def test_names_are_sorted_from_a_on_in_any_case() -> None:
    assert shown(by("name")) == ["idle", "Jobs", "31", "web", "12", "11"]
    assert shown(by("state")) == ["web", "12", "11", "Jobs", "31", "idle"]


def test_a_filter_takes_names_pids_states_and_commands() -> None:
    assert shown(View(wanted="JOB")) == ["Jobs", "31"]
    assert shown(View(wanted="11")) == ["web", "11"]
    assert shown(View(wanted="stopped")) == ["idle"]
    assert shown(View(wanted="starting")) == ["web", "11"]
    assert shown(View(wanted="sleep")) == ["Jobs", "31"]
    assert shown(View(wanted="nothing of it")) == []


def test_a_folded_watcher_shows_no_process() -> None:
    key = ("shop", "web", 0)
    folded = View().toggled(key)
    assert shown(folded) == ["web", "Jobs", "31", "idle"]
    assert [line.is_open for line in lines_of([SHOP], folded)][:2] == [False, True]
    assert shown(folded.toggled(key)) == shown(View())


def test_several_stacks_have_a_line_each_above_theirs() -> None:
    lines = lines_of([SHOP, OTHER], View())
    assert shown(View(), SHOP, OTHER)[::7] == ["shop", "other"]
    assert [line.depth for line in lines[:3]] == [0, 1, 2]
    assert len({line.key for line in lines}) == len(lines)


def test_a_narrow_terminal_loses_the_least_important_columns() -> None:
    assert fitting(1000) == COLUMNS
    names = [each.name for each in fitting(57)]
    assert "threads" not in names
    assert {"state", "cpu", "rss", "rps", "p99", "busy", "age"} <= set(names)
    assert sum(each.width + 1 for each in fitting(57)) <= 57
    assert fitting(0) == ()


def test_each_column_has_a_key_and_a_word_of_its_own() -> None:
    assert len({each.key for each in ALL}) == len({each.name for each in ALL}) == len(ALL)
