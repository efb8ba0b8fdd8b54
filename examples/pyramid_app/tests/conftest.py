"""Fixtures: a Redis for each module, the stand-in once for all, the app on them."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from typing import Any

import pysolr
import pytest
import redis
from notes import build
from notes.settings import Settings
from webtest import TestApp

from tests.servers import RedisServer, StandIn


def pytest_configure() -> None:
    """Let the programs under test hear Ctrl-C: the background job of a script starts with SIGINT ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def one_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    try:
        server.start()
        yield server
    finally:
        server.kill()


@pytest.fixture
def redis_server(one_redis: RedisServer) -> RedisServer:
    """A running, empty Redis."""
    with redis.Redis.from_url(one_redis.url) as client:
        client.flushall()
    return one_redis


@pytest.fixture(scope="session")
def one_stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    server = StandIn(tmp_path_factory.mktemp("solr"))
    try:
        server.start()
        yield server
    finally:
        server.kill()


@pytest.fixture
def stand_in(one_stand_in: StandIn) -> StandIn:
    """A running, empty search service."""
    pysolr.Solr(one_stand_in.url, timeout=10).delete(q="*:*", commit=True)
    return one_stand_in


Visit = Callable[..., Any]


@pytest.fixture
def visit(redis_server: RedisServer) -> Visit:
    """`visit()` is a browser on the app without a search service, `visit(URL)` on one with it."""

    def browser(solr_url: str = "", redis_url: str = redis_server.url) -> Any:
        return TestApp(build(Settings(redis_url, solr_url), {}))

    return browser
