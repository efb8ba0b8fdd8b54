"""What the console tells of figures: those of circusd-stats, as JSON and as metrics, to people and to machines."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from circus_stack.client.sync import Client
from circus_stack.errors import NoAnswerError
from tests.integration.web.console import Console, Visitor
from tests.support.stack import Room, RunningStack
from tests.support.waiting import wait_until

V1 = "/api/v1"
_INI = """
[circus]
statsd = true
stats_interval = 0.3
httpd = false

[watcher:job]
cmd = sleep 1000
numprocesses = 2
"""


@pytest.fixture(scope="module")
def stack(here: Room, tmp_path_factory: pytest.TempPathFactory) -> RunningStack:
    ini: Path = tmp_path_factory.mktemp("ini") / "figures.ini"
    ini.write_text(_INI)
    stack = here.serve(str(ini))
    stack.wait_pids(2, watcher="job")
    return stack


@pytest.fixture(scope="module")
def viewer(console: Console) -> Visitor:
    found = console.program_with("view", "figures")
    wait_until(
        lambda: len(found.ask("GET", f"{V1}/figures")[1].get("watchers", {}).get("job", {}).get("pids", ())) == 2,
        "figures",
        detail=lambda: str(found.ask("GET", f"{V1}/figures")),
    )
    return found


def test_figures_and_their_past(viewer: Visitor, stack: RunningStack) -> None:
    figures = viewer.ask("GET", f"{V1}/figures")[1]
    assert sorted(figures["watchers"]["job"]["pids"]) == stack.pids("job")
    pid = stack.pids("job")[0]
    assert figures["processes"][str(pid)]["figures"]["rss"] > 0
    for query in ("watcher=job&since=1m", "since=1m"):
        wait_until(lambda query=query: viewer.ask("GET", f"{V1}/history?{query}")[1]["times"] != [], "a past")
    assert viewer.ask("GET", f"{V1}/history?watcher=job&pid={pid}&since=1m")[1]["pid"] == pid
    for query in ("since=soon", "since=", "pid=0", "pid=5", "watcher=job&pid=x", "other=1"):
        status, reply, _ = viewer.ask("GET", f"{V1}/history?{query}")
        assert 400 <= status < 500, (query, reply)


def test_metrics_are_for_who_may_look(console: Console, viewer: Visitor) -> None:
    assert console.visitor().ask("GET", "/metrics")[0] == 401
    status, page, headers = viewer.ask("GET", "/metrics")
    assert status == 200
    assert headers["content-type"].startswith("text/plain; version=")
    assert b"circus_up 1.0" in page
    assert b'circus_watcher_processes{watcher="job"} 2.0' in page
    _, page, headers = viewer.ask("GET", "/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert page.endswith(b"# EOF\n")


def test_health_is_told_to_anybody_and_nothing_else(console: Console) -> None:
    status, reply, _ = console.visitor().ask("GET", "/healthz")
    assert (status, reply) == (200, {"state": "up"})


def test_what_is_told_is_what_the_document_says(console: Console, viewer: Visitor) -> None:
    schema = schemathesis.openapi.from_dict(viewer.ask("GET", f"{V1}/openapi.json")[1])
    schema.config.update(base_url=f"http://127.0.0.1:{console.port}")
    checks: list[Any] = [content_type_conformance, response_schema_conformance]
    for path, query in (
        (f"{V1}/figures", {}),
        (f"{V1}/history", {"watcher": "job"}),
        ("/metrics", {}),
        ("/healthz", {}),
    ):
        case = schema[path]["GET"].Case(query=query)
        response = case.call(headers=viewer.headers, timeout=20)
        assert response.status_code == 200, (path, response.text)
        case.validate_response(response, checks=checks)


def test_an_arbiter_that_is_there_and_does_not_answer_is_told_from_one_that_is_gone(stack: RunningStack) -> None:
    with Client(stack.found().record.endpoint, timeout_s=20) as client:
        pid = client.call("dstats")["info"]["pid"]
        os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.raises(NoAnswerError, match="whoever listens there is busy"):
                client.request("version", {}, timeout_s=0.2)
        finally:
            os.kill(pid, signal.SIGCONT)
