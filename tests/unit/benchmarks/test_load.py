"""What wrk is told and what it tells; what contestants are told."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from benchmarks.suite.contestant import CONTESTANTS, Seat
from benchmarks.suite.environment import place_of
from benchmarks.suite.load import wrk
from benchmarks.suite.load.measured import LoadError
from benchmarks.suite.scenario import SCENARIOS, Ask, Scenario
from benchmarks.suite.served import app
from benchmarks.suite.target import AppError, write_target


def test_the_script_quotes_what_it_is_given() -> None:
    ask = Ask('/a"b\\c\n', "POST", {"X-Y": 'W/"1"'}, 10)
    text = wrk.script_of(Scenario("s", "", (ask,)))
    assert """wrk.format("POST", "/a\\034b\\092c\\010", {["X-Y"] = "W/\\0341\\034"}, string.rep('x', 10))""" in text


def test_its_line_is_read_among_others() -> None:
    line = (
        'circus-stack-bench {"requests": 10, "seconds": 2.0, "errors": 1, "not_2xx": 2, '
        '"p50_us": 3, "p95_us": 4, "p99_us": 5, "p999_us": 6}'
    )
    found = wrk.parse(f"Running 2s test\n{line}\nTransfer/sec: 1MB\n", 1.3)
    assert (found.requests, found.errors, found.not_2xx, found.p999_us, found.share) == (10, 1, 2, 6, 1.0)
    with pytest.raises(LoadError, match="unable to connect"):
        wrk.parse("unable to connect to 127.0.0.1", 0.1)


@pytest.mark.parametrize("name", CONTESTANTS)
def test_each_contestant_is_told_port_workers_and_application(name: str, tmp_path: Path) -> None:
    argv = CONTESTANTS[name].argv(Seat(port=4711, workers=3, home=tmp_path, programs=Path("/p")))
    told = " ".join(argv) + "".join(each.read_text() for each in tmp_path.iterdir())
    assert "4711" in told
    assert "bench_target" in told
    # waitress-serve has no workers.
    assert ("3" in told.replace("4711", "")) == (name != "waitress-serve")


def test_an_environment_is_one_of_its_requirements() -> None:
    one, other = (place_of([each], Path("/c")) for each in ("granian>=2", "granian>=3"))
    assert one.parent == other.parent == Path("/c") and one != other
    assert one.name.startswith("granian-")


@pytest.mark.parametrize("app", ["a b", "os; x:y", "x:y:z", "missing.ini"])
def test_what_is_no_application_is_refused(app: str, tmp_path: Path) -> None:
    with pytest.raises(AppError, match=app.split()[0]):
        write_target(app, tmp_path)


def test_a_module_alone_has_its_application_as_app(tmp_path: Path) -> None:
    write_target("a.module", tmp_path)
    assert "from a.module import app as app" in (tmp_path / "bench_target.py").read_text()


@pytest.mark.parametrize("scenario", [each.name for each in SCENARIOS.values() if each.app == "built-in"])
def test_each_scenario_asks_for_a_page_that_there_is(scenario: str) -> None:
    for path in {ask.path for ask in SCENARIOS[scenario].asks} - {"/wait"}:
        said: list[str] = []

        def start_response(status: str, _headers: object, said: list[str] = said) -> None:
            said.append(status)

        app({"PATH_INFO": path, "wsgi.input": io.BytesIO(b"x")}, start_response)  # type: ignore[arg-type]
        assert said == ["200 OK"], path
