"""`circus-stack bench start` as a user runs it, and what a contestant's environment finds of ours."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.suite.environment import lend_packages
from tests.support.processes import BIN
from tests.support.waiting import PATIENCE_S


def test_start_of_the_users_own_application(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        'def app(environ, start_response):\n    start_response("200 OK", [])\n    return [b"mine"]\n'
    )
    (tmp_path / "broken.py").write_text("raise RuntimeError('no database')\n")
    words = ["bench", "start", "-c", "wsgiref", "-w", "2", "--rounds", "1", "-o", "s.json"]
    for app, status in (("mine:app", 0), ("broken:app", 1)):
        ran = subprocess.run(
            [str(BIN / "circus-stack"), *words, "--app", app],
            cwd=tmp_path, capture_output=True, text=True, timeout=4 * PATIENCE_S,
        )  # fmt: skip
        assert ran.returncode == status, ran.stderr
        found = json.loads((tmp_path / "s.json").read_text())
        [part] = found["parts"]
        assert part["is_complete"] and part["kind"] == "start"
        if status:
            assert "no database" in part["entrants"][0]["failure"]
            assert "wsgiref: failed: " in ran.stdout
        else:
            values = {each["what"]: each["value"] for each in part["figures"]}
            assert 0 < values["first-answer"] <= values["all-up"]
            assert values["rss"] > values["pss"] > 1
            assert "PSS/worker MiB" in ran.stdout


def test_reload_and_memory(tmp_path: Path) -> None:
    words = ["-c", "wsgiref", "--quick", "--rounds", "1", "-o", "r.json"]
    found = {}
    for kind, more in (("reload", ["-w", "2"]), ("memory", ["-w", "3", "--app", "built-in"])):
        ran = subprocess.run(
            [str(BIN / "circus-stack"), "bench", kind, *words, *more],
            cwd=tmp_path, capture_output=True, text=True, timeout=4 * PATIENCE_S,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
        [part] = json.loads((tmp_path / "r.json").read_text())["parts"]
        assert part["is_complete"] and part["kind"] == kind
        found[kind] = {each["what"]: each["value"] for each in part["figures"]}
    assert found["reload"]["failed"] == found["reload"]["closed"] == 0
    assert found["reload"]["reload"] > 0 and found["reload"]["rolling-served"] > 0
    assert found["memory"]["pss"] > 3 * found["memory"]["pss-worker"] * 0.99
    assert found["memory"]["rss"] > 3 * found["memory"]["rss-worker"] * 0.9

    refused = subprocess.run(
        [str(BIN / "circus-stack"), "bench", "reload", "-c", "bjoern-alone"],
        cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE_S,
    )  # fmt: skip
    assert refused.returncode == 2
    assert "bjoern-alone cannot replace its workers while it serves; these can: fastgevent, " in refused.stderr


def test_an_environment_finds_the_libraries_of_the_application(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")], check=True)
    lend_packages(tmp_path / "venv")
    argv = [str(tmp_path / "venv" / "bin" / "python"), "-c", "import msgspec, chaussette"]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
