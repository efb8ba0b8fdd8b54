"""What single processes used: every ten seconds, of so many as there is room for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from circus_stack.stats.collect.reading import Reading
from circus_stack.stats.collect.sampler import Sample
from circus_stack.stats.history.file import HistoryFile
from circus_stack.stats.history.processes import ProcessHistory
from circus_stack.stats.history.rings import PROCESSES, Plan, Ring

T = 1_800_000_000.0
SMALL = Plan(PROCESSES.magic, (Ring(10, 30),), 20, 60)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[HistoryFile]:
    file = HistoryFile(tmp_path / "processes.ring", SMALL)
    yield file
    file.close()


def sample(cpu_time: float, *, started: float = 5.0, cpu: float | None = 99.0) -> Sample:
    own = Reading(cpu_time, 0.0, 4096, 8192, 1, 0, started)
    return Sample(cpu, cpu_time, 4096, 8192, 1, own, (71, 72))


def test_ten_seconds_are_one_point_with_what_was_truly_used(file: HistoryFile) -> None:
    history = ProcessHistory(file, lambda _watcher, _pid: {"rps": 3.0, "in_flight": 2, "p99": 0.5})
    for second in range(31):
        history.note("web", {7: sample(second * 0.3)}, T + second)
    found = history.read("web", 7, T - 60, T + 31)
    assert (found["step"], found["times"]) == (10, [T, T + 10, T + 20, T + 30])
    assert found["cpu"][1:] == pytest.approx([30.0, 30.0, 30.0])
    assert (found["processes"][-1], found["rps"][-1], found["busy"][-1], found["p99"][-1]) == (3.0, 3.0, 2.0, 0.5)
    assert history.read("web", 8, T - 60, T + 31)["times"] == []
    assert history.read("job", 7, T - 60, T + 31)["times"] == []


def test_another_process_of_the_same_number_begins_anew(file: HistoryFile) -> None:
    history = ProcessHistory(file, lambda _watcher, _pid: {})
    history.note("web", {7: sample(50.0)}, T)
    history.note("web", {7: sample(0.5, started=90.0, cpu=None)}, T + 20)
    found = history.read("web", 7, T - 60, T + 30)
    assert (found["times"], found["cpu"]) == ([T + 20], [None])


def test_a_clock_that_is_set_back_costs_no_more_than_a_point(file: HistoryFile) -> None:
    history = ProcessHistory(file, lambda _watcher, _pid: {})
    history.note("web", {7: sample(1.0)}, T)
    history.note("web", {7: sample(2.0, cpu=12.0)}, T - 3600)
    assert history.read("web", 7, T - 3700, T - 3500)["cpu"] == [12.0]


def test_many_that_come_at_once_get_theirs_by_and_by(file: HistoryFile, caplog: pytest.LogCaptureFixture) -> None:
    history = ProcessHistory(file, lambda _watcher, _pid: {})
    crowd = {pid: sample(1.0) for pid in range(1, 31)}
    history.note("web", crowd, T)
    assert len(file.names()) == 16
    history.note("web", crowd, T + 1)
    assert len(file.names()) == SMALL.series
    assert caplog.text.count("room for 20 series") == 1
    # Those that have gone make room once nobody has written to theirs for a while.
    history.keep({30})
    for second in range(2, 90):
        history.note("web", {30: sample(1.0)}, T + second)
    assert history.read("web", 30, T, T + 90)["times"] != []
    assert len(file.names()) == SMALL.series
