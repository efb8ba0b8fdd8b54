"""The example as it ships, beside a real Redis and its search service: each of them may die, and the app recovers."""

from __future__ import annotations

import json
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from tests.support.http_client import Client
from tests.support.ports import free_port
from tests.support.stack import RunningStack
from tests.support.waiting import wait_until

EXAMPLE = Path(__file__).parents[3] / "examples" / "pyramid_app"
# A Java program is compiled and started on a machine that does much else.
JAVA_S = 40


@pytest.fixture
def ini(here) -> Path:
    """development.ini, with another port for the search service: its own may be taken."""
    text = (EXAMPLE / "development.ini").read_text()
    text = text.replace("port = 8984", f"port = {free_port()}").replace("%(here)s", str(EXAMPLE))
    path = here.directory / "development.ini"
    path.write_text(text)
    return path


def ask(stack: RunningStack, path: str, **fields: str) -> tuple[int, dict[str, object]]:
    """(status, JSON) of a GET, or with fields of a POST."""
    body = json.dumps(fields).encode() if fields else None
    client = Client(stack.address())
    try:
        response, content = client.fetch(path, "POST" if body else "GET", body, **{"Content-Type": "application/json"})
        return response.status, json.loads(content)
    finally:
        client.close()


def healthy_pids(stack: RunningStack) -> set[int]:
    """Ask several at once, until two workers have answered."""
    seen: set[int] = set()

    def both() -> bool:
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _: ask(stack, "/health.json"), range(12)))
        seen.update(answer["pid"] for status, answer in answers if status == 200)
        return len(seen) >= 2

    wait_until(both, "both workers", detail=stack.output)
    return seen


def kill(stack: RunningStack, watcher: str) -> int:
    [pid] = stack.pids(watcher)
    psutil.Process(pid).kill()
    return pid


def test_the_example_with_its_search_service(here, ini):
    stack = here.start("circus-stack", "serve", str(ini), "--bind", "127.0.0.1:0")
    stack.wait_line("circus-stack: ready in", timeout_s=JAVA_S)
    assert stack.call("status")["statuses"] == {"redis": "active", "solr": "active", "web": "active"}
    workers = stack.pids()
    assert healthy_pids(stack) == set(workers)

    response, page = stack.client().fetch("/")
    assert response.status == 200
    assert b"<html" in page
    assert "gevent" in response.headers["Server"]

    assert ask(stack, "/notes.json", author="Ada", text="the quick acrobat juggles")[0] == 201
    wait_until(
        lambda: ask(stack, "/search.json?q=acrobat")[1]["engine"] == "solr", "Solr's answer", detail=stack.output
    )

    # Without the search service the app searches through Redis, and finds back to it.
    before = kill(stack, "solr")
    assert wait_until(lambda: found_by_search(stack, "juggles"), "a search without Solr")["found"] == 1
    stack.wait_pids(1, other_than=[before], watcher="solr")
    wait_until(
        lambda: ask(stack, "/search.json?q=juggles")[1]["engine"] == "solr",
        "Solr again",
        detail=stack.output,
        timeout_s=JAVA_S,
    )
    # What the stand-in had not yet written to the disk is lost with it; what comes now is found.
    assert ask(stack, "/notes.json", author="Ada", text="a tightrope walker")[0] == 201
    found = wait_until(lambda: found_by_search(stack, "tightrope"), "the new note", detail=stack.output)
    assert found["found"] == 1
    assert stack.pids() == workers
    assert stack.stop() == 0
    here.assert_nothing_left()


def found_by_search(stack: RunningStack, word: str) -> dict[str, object] | None:
    status, answer = ask(stack, f"/search.json?q={word}")
    return answer if status == 200 and answer["found"] == 1 else None


def without_java(ini: Path) -> str:
    ini.write_text(re.sub(r"^requires = .*$", "requires = no-such-compiler-of-ours", ini.read_text(), flags=re.M))
    return str(ini)


def test_redis_dies_and_the_app_recovers_while_the_stack_never_stops(here, ini):
    stack = here.serve(without_java(ini), "--bind", "127.0.0.1:0")
    assert "starts without it" in stack.output()
    workers = stack.pids()
    assert ask(stack, "/notes.json", author="Ada", text="kept for good")[0] == 201
    before = kill(stack, "redis")
    [after] = stack.wait_pids(1, other_than=[before], watcher="redis")
    assert after != before
    wait_until(lambda: ask(stack, "/health.json")[0] == 200, "the app's recovery", detail=stack.output)
    status, board = ask(stack, "/notes.json")
    assert status == 200
    assert [note["text"] for note in board["notes"]] == ["kept for good"]
    assert ask(stack, "/search.json?q=good")[1]["engine"] == "redis"
    assert stack.pids() == workers
    assert stack.program.is_running()
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_a_killed_worker_is_replaced_and_notes_outlive_the_stack(here, ini):
    ini = without_java(ini)
    stack = here.serve(ini, "--bind", "127.0.0.1:0")
    first, second = stack.pids()
    assert ask(stack, "/notes.json", author="Ada", text="still here")[0] == 201
    psutil.Process(first).kill()
    assert second in stack.wait_pids(2, other_than=[first])
    assert len(healthy_pids(stack)) == 2
    assert stack.stop() == 0
    here.assert_nothing_left()

    stack = here.serve(ini, "--bind", "127.0.0.1:0", "--backend", "waitress")
    assert ask(stack, "/notes.json")[1]["total"] == 1
    assert stack.stop() == 0


def test_the_production_ini_resolves_and_serves_without_solr(here):
    ini = here.directory / "production.ini"
    shutil.copy(EXAMPLE / "production.ini", ini)
    stack = here.serve(str(ini), "--bind", "127.0.0.1:0", "--workers", "2", env={"PATH": here.environ["PATH"]})
    assert "redis" in stack.call("status")["statuses"]
    assert len(healthy_pids(stack)) == 2
    assert stack.stop() == 0
    here.assert_nothing_left()
