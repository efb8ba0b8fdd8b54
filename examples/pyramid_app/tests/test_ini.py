"""The ini files, as PasteDeploy reads them, and the app over real HTTP."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from paste.deploy import appconfig, loadapp
from waitress.server import create_server

from tests.servers import PATIENCE_S, RedisServer

FOLDER = Path(__file__).parent.parent
INIS = ["development.ini", "production.ini"]


@pytest.fixture
def app(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("REDIS_URL", redis_server.url)
    monkeypatch.delenv("SOLR_URL", raising=False)
    return loadapp("config:development.ini", relative_to=str(FOLDER))


@pytest.mark.parametrize("name", INIS)
def test_the_app_of_each_ini_is_ours(name: str) -> None:
    config = appconfig(f"config:{name}", relative_to=str(FOLDER))
    assert config.context.distribution.name == "circus-stack-notes"


@pytest.fixture
def address(app: Any) -> Iterator[str]:
    """The app on waitress, on a port of the kernel's choice."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = create_server(app, sockets=[listening], threads=2)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.trigger.pull_trigger(server.close)
        thread.join(PATIENCE_S)
        listening.close()


def test_a_path_that_is_no_utf_8_gets_a_page(address: str) -> None:
    answer = requests.get(f"{address}/%ff", timeout=PATIENCE_S)
    assert (answer.status_code, "not UTF-8" in answer.text) == (400, True)


def test_a_post_over_http(address: str) -> None:
    posted = requests.post(f"{address}/notes.json", json={"text": "over the wire"}, timeout=PATIENCE_S)
    assert posted.status_code == 201
    page = requests.get(address, timeout=PATIENCE_S)
    assert "over the wire" in page.text
    assert "waitress" in page.text
