"""Rings of points in a file that outlives its writer."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from circus_stack.stats.history.file import HistoryError, HistoryFile
from circus_stack.stats.history.rings import POINT_SIZE, WATCHERS, pack_point, unpack_point
from circus_stack.stats.history.thin import thin

T = 1_800_000_000


def values(cpu: float) -> tuple[float | None, ...]:
    return cpu, 1024.0, 2.0, None, None, None


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "stats.ring"


@pytest.fixture
def history(path: Path) -> Iterator[HistoryFile]:
    history = HistoryFile(path)
    yield history
    history.close()


def test_a_span_takes_the_finest_ring_that_holds_it() -> None:
    assert [WATCHERS.rings[WATCHERS.ring_for(span)].step_s for span in (600, 900, 901, 21600, 86400, 10**9)] == [
        1,
        1,
        10,
        10,
        60,
        60,
    ]


def test_a_torn_point_is_none() -> None:
    point = pack_point(T, values(30.0))
    assert len(point) == POINT_SIZE
    assert unpack_point(point) == (T, values(30.0))
    for cut in range(0, POINT_SIZE, 4):
        assert unpack_point(point[:cut] + b"\xff\xff\xff\xff" + point[cut + 4 :]) is None
    assert unpack_point(bytes(POINT_SIZE)) is None


def test_seconds_and_their_means_are_kept(history: HistoryFile) -> None:
    for second in range(20):
        history.write("web", values(float(second)), T + second)
    fine = history.read("web", T, T + 19)
    assert (fine["step"], fine["times"]) == (1, list(range(T, T + 20)))
    assert fine["cpu"] == [float(second) for second in range(20)]
    assert fine["rps"] == [None] * 20
    coarse = history.read("web", T + 19 - 3600, T + 19)
    assert (coarse["step"], coarse["times"], coarse["cpu"]) == (10, [T, T + 10], [4.5, 14.5])


def test_what_is_overwritten_is_not_shown_as_new(history: HistoryFile) -> None:
    history.write("web", values(1.0), T)
    history.write("web", values(2.0), T + 900)
    assert history.read("web", T + 1, T + 900)["times"] == [T + 900]


def test_it_is_kept_over_a_restart(path: Path) -> None:
    first = HistoryFile(path)
    first.write("", values(5.0), T)
    first.write("web", values(7.0), T)
    first.close()
    second = HistoryFile(path)
    try:
        assert second.names() == ["", "web"]
        assert second.read("", T - 5, T + 5)["cpu"] == [5.0]
        assert second.read("web", T - 5, T + 5)["cpu"] == [7.0]
        assert second.read("other", T - 5, T + 5)["times"] == []
    finally:
        second.close()


def test_there_is_one_writer(path: Path, history: HistoryFile) -> None:
    with pytest.raises(HistoryError, match="another circusd-stats"):
        HistoryFile(path)
    history.write("web", values(1.0), T)


def test_another_file_is_begun_anew(path: Path) -> None:
    path.write_bytes(b"something else" * 1000)
    history = HistoryFile(path)
    assert history.names() == []
    history.close()


def test_the_number_of_series_is_bounded_and_old_ones_make_room(history: HistoryFile) -> None:
    for number in range(WATCHERS.series + 3):
        history.write(f"w{number}", values(1.0), T + number)
    assert len(history.names()) == WATCHERS.series
    assert f"w{WATCHERS.series}" not in history.names()
    later = T + WATCHERS.rings[-1].span_s + 5
    history.write("new", values(9.0), later)
    assert "new" in history.names()
    assert "w0" not in history.names()
    assert history.read("new", later - 60, later)["cpu"] == [9.0]


def test_the_disk_holds_all_of_a_series_before_it_is_written(path: Path, history: HistoryFile) -> None:
    for number, name in enumerate(("", "web"), start=1):
        history.write(name, values(1.0), T)
        assert path.stat().st_blocks * 512 >= number * WATCHERS.series_size


def test_a_full_disk_costs_the_new_series_alone(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    history = HistoryFile(path)
    history.write("", values(1.0), T)

    def refuse(*_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "posix_fallocate", refuse)
        for second in range(3):
            history.write("web", values(1.0), T + second)
        assert history.names() == [""]
        assert len(caplog.records) == 1
        history.close()
        with pytest.raises(HistoryError, match="No space left"):
            HistoryFile(path)


def test_many_points_are_thinned_to_means() -> None:
    count = 10080
    step, times, columns = thin(60, range(T, T + count * 60, 60), {"cpu": [float(at % 2) for at in range(count)]})
    assert step % 60 == 0
    assert 900 < len(times) <= 1000
    assert all(moment % step == 0 for moment in times)
    assert columns["cpu"][1:-1] == [pytest.approx(0.5, abs=0.1)] * (len(times) - 2)
    assert thin(60, [T], {"rps": [None]}) == (60, [T], {"rps": [None]})
