"""A console far from its stack, which is reached over TCP with a key at each endpoint, and far from its browsers, which
come through a reverse proxy with a path of its own: all that it tells and does, and whom it believes."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import socketio

from tests.integration.security.guarded import Keys
from tests.integration.web.console import Console, Visitor, start_elsewhere
from tests.integration.web.listener import Listener
from tests.support.ports import free_port
from tests.support.prefix_proxy import ADDRESS, PrefixProxy, prefix_proxy
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
_NAME = "console.test"
_PREFIX = "/ops/circus"
# What such proxies add, of a browser that came by https.
_GIVEN = {
    "X-Forwarded-For": "10.1.2.3",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": _NAME,
    "X-Forwarded-Prefix": _PREFIX,
}
_ORIGIN = {"Origin": f"https://{_NAME}"}


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


def console_with(
    here: Room, endpoint: str, name: str, elsewhere: dict[str, str], *flags: str
) -> tuple[Console, Visitor]:
    """A console with somebody's key, and an administrator of it."""
    key, place = here.directory / f"{name}.key", str(here.directory / f"console-{name}")
    token = here.run("circus-stack", "token", "add", "t", "--role", "admin", "--state-dir", place).stdout.strip()
    given = ("--endpoint", endpoint, "--key", str(key), "--state-dir", place, *flags)
    console = start_elsewhere(here, *given, env=elsewhere)
    admin = console.visitor()
    admin.headers["Authorization"] = f"Bearer {token}"
    return console, admin


@pytest.fixture(scope="module")
def ann(here: Room, endpoint: str, elsewhere: dict[str, str]) -> tuple[Console, Visitor]:
    """Her console, which believes a proxy, and an administrator of it."""
    return console_with(here, endpoint, "ann", elsewhere, "--trusted-proxies", ADDRESS, "--allowed-host", _NAME)


def test_all_endpoints_are_reached(ann: tuple[Console, Visitor], endpoint: str) -> None:
    console, admin = ann
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


def test_who_starts_it_at_a_terminal_is_let_in_and_may_do_what_its_key_may(
    here: Room, endpoint: str, elsewhere: dict[str, str]
) -> None:
    port, place = free_port(), str(here.directory / "console-terminal")
    words = ("circushttpd", "--endpoint", endpoint, "--key", str(here.directory / "bob.key"), "--port", str(port))
    terminal = here.in_terminal(*words, "--state-dir", place, env=elsewhere)
    terminal.wait_shown("Serving on")
    shown = terminal.wait_shown("log in: ")
    found = re.search(rf"log in: http://127\.0\.0\.1:{port}/#/login\?link=([\w-]+)", shown)
    assert found, shown
    visitor = Visitor(here.client(("127.0.0.1", port)), port)
    assert visitor.log_in(link=found[1])[1]["role"] == "admin"
    watcher = visitor.ask("GET", f"{V1}/watchers/web")[1]
    assert watcher["name"] == "web"
    assert visitor.ask("POST", f"{V1}/watchers/web/stop?wait=true", {})[0] == 403
    assert visitor.ask("GET", f"{V1}/watchers/web")[1]["pids"] == watcher["pids"]
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


@pytest.fixture(scope="module")
def proxy(ann: tuple[Console, Visitor]) -> Iterator[PrefixProxy]:
    with prefix_proxy(ann[0].address, _PREFIX, **_GIVEN) as made:
        yield made


@pytest.fixture
def browser(here: Room, proxy: PrefixProxy) -> Visitor:
    """Logged in through the proxy."""
    visitor = Visitor(here.client(("127.0.0.1", proxy.port)), proxy.port)
    visitor.headers = dict(_ORIGIN)
    place = ("--state-dir", str(here.directory / "console-ann"))
    made = here.run("circus-stack", "console", "--url", f"https://{_NAME}{_PREFIX}", *place).stdout.strip()
    address, _, link = made.partition("/#/login?link=")
    assert address == f"https://{_NAME}{_PREFIX}"
    status, fields, headers = visitor.ask("POST", f"{_PREFIX}/api/v1/session", {"link": link})
    assert status == 200, fields
    cookie, _, attributes = headers["set-cookie"].partition("; ")
    assert attributes.startswith(f"Path={_PREFIX}/; ")
    assert attributes.endswith("HttpOnly; SameSite=Strict; Secure")
    assert headers["strict-transport-security"]
    visitor.headers["Cookie"], visitor.csrf = cookie, fields["csrf"]
    return visitor


def test_pages_and_changes_behind_a_proxy(browser: Visitor, ann: tuple[Console, Visitor]) -> None:
    status, page, _ = browser.ask("GET", f"{_PREFIX}/")
    assert status == 200
    # Addresses in it are relative: whoever loads it needs no path.
    assert b'src="/' not in page
    assert b'href="/' not in page
    assert browser.ask("GET", f"{_PREFIX}/api/v1/watchers/web")[1]["name"] == "web"
    assert browser.ask("POST", f"{_PREFIX}/api/v1/watchers/web/signal", {"signal": "CONT"})[0] == 200
    for origin in ("https://evil.example", f"http://{_NAME}", f"https://{_NAME}:444", "null"):
        refused = browser.ask("POST", f"{_PREFIX}/api/v1/watchers/web/signal", {"signal": "CONT"}, Origin=origin)
        assert refused[0] == 403, origin
    ann[0].program.wait_output('"from":"10.1.2.3"')


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_the_live_channel_behind_a_proxy(
    browser: Visitor, ann: tuple[Console, Visitor], proxy: PrefixProxy, transport: str
) -> None:
    headers = {**browser.headers, "X-CSRF-Token": browser.csrf}
    listener = Listener(ann[0], headers, [transport], port=proxy.port, below=_PREFIX)
    try:
        assert listener.follow(events={"since": -1}) == {"ok": True}
        listener.wait("state", lambda each: each["arbiter"] == "up", "the arbiter")
    finally:
        listener.client.disconnect()
    stolen = {**headers, "Origin": "https://evil.example"}
    with pytest.raises(socketio.exceptions.ConnectionError):
        Listener(ann[0], stolen, [transport], port=proxy.port, below=_PREFIX)


def test_headers_of_a_proxy_count_from_no_stranger(ann: tuple[Console, Visitor]) -> None:
    console, _ = ann
    stranger = console.visitor()
    given = {**_GIVEN, "X-Forwarded-For": "10.9.9.9"}
    status, _, headers = stranger.ask("POST", "/api/v1/session", {"link": "none"}, **given)
    assert status == 401
    assert "strict-transport-security" not in headers
    console.program.wait_output('"from":"127.0.0.1"')
    assert "10.9.9.9" not in console.program.output()
    # The path stays in what they ask for.
    assert stranger.ask("GET", f"{_PREFIX}/api/v1/session", **given)[0] == 404
