"""`circus-stack bench processes` with a few processes, and a manager that dies while it is measured."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from benchmarks.suite.ending import orphans
from benchmarks.suite.environment import OURS as PROGRAMS
from benchmarks.suite.kinds import managed, processes
from benchmarks.suite.kinds.managed import Managed, Spans
from benchmarks.suite.managers.catalogue import MANAGERS
from benchmarks.suite.managers.manager import DEAF, MANY, TOLD, ControlError, Manager, Site
from tests.support.processes import BIN
from tests.support.waiting import PATIENCE_S, wait_until

_COUNT = 3
# Those that tools/peers prepares beside ours.
_PROGRAMS = {
    "circus-stack": PROGRAMS,
    "circus": BIN.parent / "circus" / "bin",
    "supervisor": BIN.parent / "imported/bin",
}


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="csm", dir="/tmp") as directory:
        yield Path(directory)


def site_of(manager: Manager, home: Path) -> Site:
    programs = _PROGRAMS[manager.name]
    program = "supervisord" if manager.name == "supervisor" else "circusd"
    path = programs / program
    assert path.exists(), f"{path} is missing: tools/peers installs {manager.name}, and `make test` runs it"
    return Site(home, programs, _COUNT, 1.0, 1_000_000, managed.LINE_BYTES, has_statistics=False)


def of_home(home: Path) -> list[psutil.Process]:
    return list(orphans(home))


@pytest.mark.parametrize("name", MANAGERS)
def test_each_manager_does_what_it_is_told(name: str, home: Path) -> None:
    site = site_of(MANAGERS[name], home)
    spans = Spans(idle_s=0.0, deaf_s=1.0, kills_s=0.0, log_bytes=1_000_000, reading_s=0.0)
    with managed.running(MANAGERS[name], site, MANAGERS[name].argv(site), processes._environ(home)) as run:
        control = run._control
        control.start(MANY)
        pids = control.pids(MANY)
        assert len(pids) == _COUNT and all(map(psutil.pid_exists, pids))
        assert len(control.pids(TOLD)) == 11 and not control.pids(DEAF)
        assert run._lines(spans)[0] > 0
        assert run._asked_beside_a_stop(spans)
        control.stop(MANY)
        assert not any(map(psutil.pid_exists, pids)) and not control.pids(MANY)
        assert of_home(home)
    assert not of_home(home)


def test_a_manager_that_dies_is_a_failure_and_leaves_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manager = MANAGERS["circus-stack"]
    site = site_of(manager, home)
    spans = Spans(idle_s=0.0, deaf_s=1.0, kills_s=0.0, log_bytes=1_000_000, reading_s=0.0)
    found: dict[str, float] = {}

    def die(run: Managed) -> None:
        os.kill(run._root.pid, signal.SIGKILL)
        wait_until(lambda: run._root.status() == psutil.STATUS_ZOMBIE, "its end")

    monkeypatch.setattr(Managed, "_check_all_run", die)
    environ = processes._environ(home)
    with (
        pytest.raises(ControlError, match="it ended with status -9"),
        managed.running(manager, site, manager.argv(site), environ) as run,
    ):
        run.measure(found, spans, has_lines=False)
    assert not found
    assert not of_home(home)


def test_a_manager_that_does_not_start_says_why(home: Path) -> None:
    manager = MANAGERS["circus-stack"]
    site = site_of(manager, home)
    argv = manager.argv(site)
    (home / "manager.ini").write_text("[watcher:x]\nnumprocesses = few\n")
    with (
        pytest.raises(ControlError, match=r"ended with status 2:\n(?s:.*)few"),
        managed.running(manager, site, argv, processes._environ(home)),
    ):
        raise AssertionError("it runs")


def test_the_command_with_the_bare_loop(tmp_path: Path) -> None:
    words = ["bench", "processes", "-n", "5", "-c", "bare loop", "--rounds", "2", "-o", "p.json"]
    ran = subprocess.run(
        [str(BIN / "circus-stack"), *words], cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert ran.returncode == 0, ran.stderr
    [part] = json.loads((tmp_path / "p.json").read_text())["parts"]
    assert part["is_complete"]
    assert [(each["what"], each["number"]) for each in part["figures"]] == [("start", 1), ("start", 2)]


def test_a_bare_loop_that_is_cut_off_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    spawn, pids = os.posix_spawn, list[int]()

    def cut_off(path: str, argv: list[str], env: dict[str, str]) -> int:
        if len(pids) == 2:
            raise KeyboardInterrupt
        pids.append(spawn(path, argv, env))
        return pids[-1]

    monkeypatch.setattr(os, "posix_spawn", cut_off)
    with pytest.raises(KeyboardInterrupt):
        processes.bare_loop_s(3)
    assert pids and not any(map(psutil.pid_exists, pids))


def test_kills_are_spread_over_the_span_between_two_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a manager that looks each 5 s, the middle is half of that, and not the longest."""
    now = [3.0]
    monkeypatch.setattr(managed.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(managed.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    monkeypatch.setattr(managed.os, "kill", lambda *_: None)
    monkeypatch.setattr(managed, "_age_s", lambda _: 60.0)

    class Looks:
        def pids(self, _name: str) -> list[int]:
            return list(range(11))

        def next_pid(self, _timeout_s: float) -> int:
            now[0] += 5.0 - now[0] % 5.0
            return 1

    run = object.__new__(Managed)
    run._control = run._told = Looks()  # type: ignore[assignment]
    assert run._respawn_ms(Spans(5.0, 10.0, 8.0, 1, 5.0)) == pytest.approx(2000.0, abs=600.0)
