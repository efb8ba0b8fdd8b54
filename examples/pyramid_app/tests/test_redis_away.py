"""Redis is killed while the app runs, and comes back; or is there and refuses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from notes.connection import connect

from tests.conftest import Visit
from tests.servers import RedisServer


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis that a test may kill."""
    server = RedisServer(tmp_path)
    try:
        server.start()
        yield server
    finally:
        server.kill()


def test_the_app_says_so_and_recovers_by_itself(visit: Visit, mortal: RedisServer) -> None:
    browser = visit(redis_url=mortal.url)
    form = browser.get("/").forms[0]
    mortal.kill()
    page = browser.get("/", status=503)
    page.mustcontain("Back in a moment", no="Traceback")
    assert int(page.headers["Retry-After"]) > 0
    assert browser.get("/notes.json", status=503).json["status"] == 503
    down = browser.get("/health.json", status=503)
    assert (down.json["status"], down.json["redis"], down.headers["Retry-After"]) == ("down", False, "2")
    form["text"] = "typed while Redis was away"
    form.submit(status=503)
    mortal.start()
    form.submit(status=303)
    assert browser.get("/notes.json").json["total"] == 1


def test_a_restart_between_two_requests_is_not_noticed(visit: Visit, mortal: RedisServer) -> None:
    browser = visit(redis_url=mortal.url)
    browser.get("/")
    mortal.kill()
    mortal.start()
    # Counting a visit is never tried twice: that the dead connection is noticed has to be enough.
    browser.get("/").mustcontain("Visits</dt><dd>1</dd>")


def test_the_app_is_built_and_answers_without_redis(visit: Visit, tmp_path: Path) -> None:
    browser = visit(redis_url=f"unix://{tmp_path}/none.sock")
    browser.get("/", status=503)
    browser.get("/nowhere", status=404)
    browser.get("/static/notes.css", status=200)


def test_a_full_redis_is_a_problem_page_too(visit: Visit, mortal: RedisServer) -> None:
    with redis.Redis.from_url(mortal.url) as client:
        client.config_set("maxmemory", "1")
        refused = visit(redis_url=mortal.url).post_json("/notes.json", {"text": "x"}, status=503)
        assert refused.headers["Retry-After"] == "2"
        assert client.dbsize() == 0


def test_more_visitors_than_a_pool_holds_by_itself_are_served(redis_server: RedisServer) -> None:
    client = connect(redis_server.url)
    held = [client.connection_pool.get_connection() for _ in range(150)]
    try:
        assert client.zcard("notes:index") == 0
    finally:
        for each in held:
            client.connection_pool.release(each)
        client.close()
