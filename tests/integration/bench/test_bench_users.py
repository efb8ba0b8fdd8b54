"""Users of locust against real servers: the suite's own, those of a file, and more and more of them."""

from __future__ import annotations

import contextlib
import itertools
import json
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.suite.load import locust
from benchmarks.suite.scenario import Ask, Scenario
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


def test_a_file_without_users_and_a_page_that_fails(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(_APP.replace("200 OK", "500 No"))
    (tmp_path / "visit.py").write_text("import no_such_module\n")
    for words, expected in (
        (("serve", "--app", "mine:app", "-f", "visit.py"), "No module named 'no_such_module'"),
        (("serve", "--app", "mine:app", "-f", "mine.py"), "mine.py has no users: no subclass of locust's User"),
        (("steps", "--app", "mine:app", "-c", "wsgiref", "--quick"), "/ is not answered well"),
    ):
        argv = [str(BIN / "circus-stack"), "bench", *words, "-o", "r.json"]
        ran = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, timeout=4 * PATIENCE_S)
        assert ran.returncode == 1, ran.stdout
        assert expected in ran.stderr


def test_steps_of_the_users_own_application(tmp_path: Path) -> None:
    (tmp_path / "slow_app.py").write_text(
        f"import time\n{_APP}".replace("    start", "    time.sleep(0.25)\n    start")
    )
    [part] = bench("steps", "--quick", "--app", "slow_app:app", "-c", "waitress", cwd=tmp_path)
    assert part["rounds"]
    assert all(each["users"] > 0 and each["requests"] > 0 for each in part["rounds"])


@contextlib.contextmanager
def answering_every_second_client() -> Iterator[int]:
    """The port of a server that sends one client away with each request, and lets the next wait for ever."""
    held: list[socket.socket] = []
    moved = b"HTTP/1.1 302 Found\r\nLocation: /away\r\nContent-Length: 0\r\n\r\n"

    def answer(client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while asked := client.recv(4096):
                client.sendall(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n" if b"/away" in asked else moved)

    def serve(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            for number in itertools.count():
                client, _ = listener.accept()
                held.append(client)
                if number % 2:
                    threading.Thread(target=answer, args=(client,), daemon=True).start()

    listener = socket.create_server(("127.0.0.1", 0))
    serving = threading.Thread(target=serve, args=(listener,), daemon=True)
    serving.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        serving.join(PATIENCE_S)
        for each in (listener, *held):
            each.close()


def test_who_still_waits_is_told_and_a_redirection_is_an_answer() -> None:
    scenario = Scenario("s", "", (Ask("/"),), users=4, think_s=(0.05, 0.1))
    with answering_every_second_client() as port:
        found = locust.load(port, scenario, 4, 1, None)
    assert found.requests > 0 and found.errors == 0
    # The users without any answer are none of `requests`; they have waited since their first second.
    assert found.p50_us < 1_000_000 <= found.p999_us
    assert 0.0 < found.share < 1.0
