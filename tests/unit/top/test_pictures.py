"""Graphs made of characters, and the figures behind them."""

from __future__ import annotations

import dataclasses

from circus_stack.top.graph import graph, sparkline, squeezed
from circus_stack.top.rows import Figures
from circus_stack.top.series import SPAN, Memory, Series
from tests.unit.top.rows import SHOP, WEB


def test_a_sparkline_has_its_newest_value_to_the_right() -> None:
    assert sparkline([1, 2, None, 4, 8], 7) == "  ▁▂ ▄█"
    assert sparkline([8, 1, 2], 2) == "▄█"
    assert sparkline([], 3) == "   "
    assert sparkline([5], 1, top=10.0) == "▄"
    assert sparkline([0.01, 100], 2) == "▁█"
    assert sparkline([1, 8], 2, is_plain=True) == ".@"


def test_a_graph_grows_from_below() -> None:
    assert graph([1, 2, 3, 4], 4, 2) == ["  ▄█", "▄███"]
    assert graph([None, 0], 2, 2) == ["  ", "  "]


def test_a_long_series_is_squeezed_to_means() -> None:
    assert squeezed([1, 3, 5, None, None, None], 3) == [2.0, 5.0, None]
    assert squeezed([1, 2], 5) == [1, 2]


def test_a_history_stands_before_what_was_seen() -> None:
    series = Series()
    series.add(100.0, Figures(cpu=5.0))
    series.add(100.0, Figures(cpu=9.0))
    series.fill([98, 99, 100, 101], {"cpu": [1.0, 2.0, 3.0, 4.0], "rss": [10, 20, 30, 40]})
    assert series.last("cpu", 9) == [1.0, 2.0, 5.0]
    assert series.last("rss", 2) == [20, None]
    assert series.last("rps", 9) == [None, None, None]


def test_a_coarser_history_stands_for_as_many_seconds_as_it_covers() -> None:
    series = Series()
    series.add(103.0, Figures(cpu=9.0))
    series.fill([90, 100], {"cpu": [1.0, 2.0]}, 10)
    assert series.last("cpu", 99) == [1.0] * 10 + [2.0] * 3 + [9.0]


def test_a_series_is_bounded() -> None:
    series = Series()
    for second in range(2 * SPAN):
        series.add(float(second + 1), Figures(cpu=float(second)))
    assert (len(series), series.last("cpu", 1)) == (SPAN, [2 * SPAN - 1.0])


def test_what_has_gone_is_forgotten() -> None:
    memory = Memory()
    memory.add(SHOP)
    assert memory.of(("shop", "web", 12)).last("cpu", 1) == [1.0]
    left = dataclasses.replace(WEB, processes=WEB.processes[1:])
    memory.add(dataclasses.replace(SHOP, time=1201.0, watchers=(left,)))
    assert len(memory.of(("shop", "web", 12))) == 0
    assert memory.of(("shop", "web", 11)).last("cpu", 9) == [30.0, 30.0]
