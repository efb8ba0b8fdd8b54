"""Users of locust against real servers: the suite's own, those of a file, and more and more of them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.support.processes import BIN
from tests.support.waiting import PATIENCE_S

_APP = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "4")])
    return [b"mine"]
"""
_FILE = """
from locust import FastHttpUser, constant, task


class Mine(FastHttpUser):
    wait_time = constant(0.05)

    @task
    def ask(self):
        self.client.get("/mine")
"""


def bench(*words: str, cwd: Path) -> list[dict[str, Any]]:
    """The parts of what was kept."""
    argv = [str(BIN / "circus-stack"), "bench", *words, "-o", "r.json"]
    ran = subprocess.run(argv, cwd=cwd, capture_output=True, text=True, timeout=4 * PATIENCE_S)
    assert ran.returncode == 0, ran.stderr
    parts: list[dict[str, Any]] = json.loads((cwd / "r.json").read_text())["parts"]
    return parts


def test_slow_clients_take_no_place_from_others_and_a_file_of_the_users_own(tmp_path: Path) -> None:
    [part] = bench("serve", "-s", "slow", "-c", "waitress", "--rounds", "1", "--seconds", "2", cwd=tmp_path)
    [found] = part["rounds"]
    assert found["requests"] > 0 and found["errors"] == 0 and found["users"] == 20
    assert part["settings"]["generator"] == "locust"

    (tmp_path / "mine.py").write_text(_APP)
    (tmp_path / "visit.py").write_text(_FILE)
    words = ("--app", "mine:app", "-f", "visit.py", "--users", "5", "--rounds", "1", "--seconds", "1")
    [part] = bench("serve", *words, "-c", "wsgiref", cwd=tmp_path)
    [found] = part["rounds"]
    assert found["scenario"] == "visit" and found["requests"] > 0 and found["errors"] == 0


def test_steps_of_the_users_own_application(tmp_path: Path) -> None:
    (tmp_path / "slow_app.py").write_text(
        f"import time\n{_APP}".replace("    start", "    time.sleep(0.25)\n    start")
    )
    [part] = bench("steps", "--quick", "--app", "slow_app:app", "-c", "waitress", cwd=tmp_path)
    assert part["rounds"]
    assert all(each["users"] > 0 and each["requests"] > 0 for each in part["rounds"])
