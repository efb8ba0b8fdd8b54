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


def test_an_environment_finds_the_libraries_of_the_application(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")], check=True)
    lend_packages(tmp_path / "venv")
    argv = [str(tmp_path / "venv" / "bin" / "python"), "-c", "import msgspec, chaussette"]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
