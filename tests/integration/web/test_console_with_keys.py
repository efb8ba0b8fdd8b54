"""A console of a stack that is reached over TCP, where each endpoint asks for a key: all that it tells and does, and
that it can do no more than its key may."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.integration.security.guarded import Keys
from tests.integration.web.console import Console, Visitor, start_elsewhere
from tests.integration.web.listener import Listener
from tests.support.ports import free_port
from tests.support.stack import Room, room
from tests.support.waiting import wait_until

V1 = "/api/v1"

_INI = """\
[circus]
keys_dir = {keys}
endpoint = tcp://127.0.0.1:{control}
pubsub_endpoint = tcp://127.0.0.1:{events}
logs_endpoint = tcp://127.0.0.1:{logs}
stats_endpoint = tcp://127.0.0.1:{stats}
stats_query_endpoint = tcp://127.0.0.1:{query}
statsd = true
[watcher:web]
cmd = sh -c 'echo hello; exec sleep 600'
numprocesses = 2
"""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with room(tmp_path_factory.mktemp("keys")) as made:
        yield made


@pytest.fixture(scope="module")
def keys(here: Room) -> Keys:
    """Of ann, who may do all, of bob, who may look, and of eve, who is not let in any more."""
    made = Keys(here, here.directory / "keys")
    made.make_server()
    for name, role in (("ann", "admin"), ("bob", "view"), ("eve", "admin")):
        made.make_client(name, role)
    lines = made.authorized.read_text().splitlines(keepends=True)
    made.authorized.write_text("".join(line for line in lines if "eve" not in line))
    return made


@pytest.fixture(scope="module")
def endpoint(here: Room, keys: Keys) -> str:
    """Of a stack of which the console knows nothing else."""
    ports = {name: free_port() for name in ("control", "events", "logs", "stats", "query")}
    ini = here.directory / "guarded.ini"
    ini.write_text(_INI.format(keys=keys.directory, **ports))
    here.circusd(str(ini)).wait_pids(2)
    return f"tcp://127.0.0.1:{ports['control']}"


@pytest.fixture(scope="module")
def elsewhere(here: Room) -> dict[str, str]:
    """The environment of a machine on which no stack runs."""
    directory = here.base / "e"
    directory.mkdir(mode=0o700)
    return {"XDG_RUNTIME_DIR": str(directory)}


def console_with(here: Room, endpoint: str, name: str, elsewhere: dict[str, str]) -> tuple[Console, Visitor]:
    """A console with somebody's key, and an administrator of it."""
    key, place = here.directory / f"{name}.key", str(here.directory / f"console-{name}")
    token = here.run("circus-stack", "token", "add", "t", "--role", "admin", "--state-dir", place).stdout.strip()
    flags = ("--endpoint", endpoint, "--key", str(key), "--state-dir", place)
    console = start_elsewhere(here, *flags, env=elsewhere)
    admin = console.visitor()
    admin.headers["Authorization"] = f"Bearer {token}"
    return console, admin


def test_all_endpoints_are_reached(here: Room, endpoint: str, elsewhere: dict[str, str]) -> None:
    console, admin = console_with(here, endpoint, "ann", elsewhere)
    status, summary, _ = admin.ask("GET", f"{V1}/stack")
    assert status == 200, summary
    assert (summary["endpoint"], summary["name"], summary["has_statistics"]) == (endpoint, "guarded", True)
    wait_until(lambda: admin.ask("GET", f"{V1}/figures")[0] == 200, "the figures")
    assert admin.ask("GET", f"{V1}/history?watcher=web")[0] == 200
    assert admin.ask("GET", "/metrics")[0] == 200
    listener = Listener(console, admin.headers, ["websocket"])
    try:
        assert listener.follow(stats=True, events={"since": -1}, logs={"watcher": "web"}) == {"ok": True}
        listener.wait("state", lambda each: each["arbiter"] == each["stats"] == "up", "all publishers")
        listener.wait("stats", lambda each: each["watchers"]["web"]["processes"] == 2, "figures as they come")
        wait_until(lambda: listener.lines() == ["hello"] * 2, "the last lines", detail=listener.lines)
        assert admin.ask("POST", f"{V1}/watchers/web/incr?wait=true", {})[0] == 200
        listener.wait("event", lambda each: each["topic"] == "spawn", "what happens")
        wait_until(lambda: listener.lines() == ["hello"] * 3, "the lines that follow", detail=listener.lines)
    finally:
        listener.client.disconnect()


def test_a_console_may_do_what_its_key_may(here: Room, endpoint: str, elsewhere: dict[str, str]) -> None:
    _, admin = console_with(here, endpoint, "bob", elsewhere)
    assert admin.ask("GET", f"{V1}/watchers/web")[1]["name"] == "web"
    before = admin.ask("GET", f"{V1}/watchers/web")[1]["pids"]
    status, reply, _ = admin.ask("POST", f"{V1}/watchers/web/stop?wait=true", {})
    assert status == 403, reply
    assert admin.ask("GET", f"{V1}/watchers/web")[1]["pids"] == before


def test_who_starts_it_at_a_terminal_is_let_in(here: Room, endpoint: str, elsewhere: dict[str, str]) -> None:
    port, place = free_port(), str(here.directory / "console-terminal")
    words = ("circushttpd", "--endpoint", endpoint, "--key", str(here.directory / "bob.key"), "--port", str(port))
    terminal = here.in_terminal(*words, "--state-dir", place, env=elsewhere)
    terminal.wait_shown("Serving on")
    shown = terminal.wait_shown("log in: ")
    found = re.search(rf"log in: http://127\.0\.0\.1:{port}/#/login\?link=([\w-]+)", shown)
    assert found, shown
    visitor = Visitor(here.client(("127.0.0.1", port)), port)
    assert visitor.log_in(link=found[1])[1]["role"] == "admin"
    # Another link for the same console: who names both needs no stack that runs here.
    made = here.run("circus-stack", "console", "--state-dir", place, "--url", "http://x", env=elsewhere)
    assert visitor.log_in(link=made.stdout.strip().partition("link=")[2])[0] == 200, made.stderr
    terminal.type(b"\x03")
    assert terminal.wait_exit() == 0


def test_a_key_that_is_not_let_in_is_told(here: Room, endpoint: str, elsewhere: dict[str, str]) -> None:
    _, admin = console_with(here, endpoint, "eve", elsewhere)
    status, reply, _ = admin.ask("GET", f"{V1}/watchers")
    assert status == 503
    assert "does not let this key in" in reply["error"]["reason"]
    assert admin.ask("GET", "/healthz")[0] == 503
