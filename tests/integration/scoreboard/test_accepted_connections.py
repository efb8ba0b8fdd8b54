"""Connections are counted as they are accepted: by each backend that can tell, once each, and shown everywhere."""

from __future__ import annotations

import contextlib
import re
import socket
import sys
from http.client import HTTPConnection
from urllib.request import urlopen

from chaussette.scoreboard import Reader
from circus_stack.client.stats.sync import StatsClient
from tests.integration.serve.projects import BACKENDS, write_app, write_watchers
from tests.support.ports import free_port
from tests.support.waiting import PATIENCE_S, wait_until

# Their C code accepts, and says nothing of it.
SILENT = {"meinheld", "bjoern"}
CIRCUS = """
[circus]
statsd = true
stats_interval = 0.3
metrics = 127.0.0.1:{port}
"""
WATCHER = """
[socket:{name}]
host = 127.0.0.1
port = 0

[watcher:{name}]
cmd = {python} -m chaussette --fd $(circus.sockets.{name}) --backend {name} hello:app
use_sockets = true
ready = notify
"""


def accepted(stack) -> dict[int, int]:
    """By pid."""
    reader = Reader(stack.call("globaloptions", option="scoreboard")["options"]["scoreboard"])
    try:
        return {each.pid: each.accepted for each in reader.snapshot().slots}
    finally:
        reader.close()


def ask(address, times: int) -> None:
    """So many requests, on one connection where the server keeps it."""
    with contextlib.closing(HTTPConnection(*address, timeout=PATIENCE_S)) as client:
        for _ in range(times):
            client.request("GET", "/")
            client.getresponse().read()


def test_each_connection_counts_once_and_is_shown(here):
    write_app(here.directory)
    port = free_port()
    sections = [WATCHER.format(name=name, python=sys.executable) for name in BACKENDS]
    stack = here.serve(str(write_watchers(here.directory, CIRCUS.format(port=port) + "".join(sections))))
    addresses = {name: stack.address(name) for name in BACKENDS}
    for name, address in addresses.items():
        # wsgiref closes after each response: its second request has a connection of its own.
        ask(address, 3 if name != "wsgiref" else 1)
        ask(address, 1)
        with socket.create_connection(address, PATIENCE_S):
            # One that never says anything.
            expected = 0 if name in SILENT else 3
            [pid] = stack.pids(name)
            wait_until(lambda pid=pid, expected=expected: accepted(stack)[pid] == expected, f"{name}: {expected}")

    def page() -> dict[str, float]:
        for address in addresses.values():
            ask(address, 2)
        try:
            with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE_S) as answer:
                text = answer.read().decode()
        except OSError:
            # circusd-stats is not up yet, and nobody waits for it.
            return {}
        found = re.findall(r'^circus_http_connections_accepted_total\{.*watcher="(\w+)".*\} (\S+)$', text, re.MULTILINE)
        # What came in before circusd-stats looked for the first time is in none of its sums.
        return {name: float(value) for name, value in found if float(value)}

    counted = set(BACKENDS) - SILENT
    wait_until(lambda: set(page()) == counted, "the page of metrics", detail=stack.output)
    with StatsClient.find(here.environ, timeout_s=PATIENCE_S) as stats:
        told: set[str] = set()

        def tell() -> set[str]:
            page()
            told.update(each.name for each in stats.snapshot().sockets if each.accepted_per_s)
            return told

        wait_until(lambda: tell() == counted, "connections a second of each socket", detail=lambda: told)

    done = here.run("circus-top", "--once")
    assert done.returncode == 0, done.stderr
    assert set(re.findall(r"^socket (\w+) .* [0-9.]+/s", done.stdout, re.MULTILINE)) == counted, done.stdout
    assert stack.stop() == 0
    here.assert_nothing_left()
