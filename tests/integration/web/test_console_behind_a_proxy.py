"""A console below a path of a reverse proxy that takes the path away and says so in headers: cookies, pages, the live
channel; and that such headers count from nobody else."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
import socketio

from tests.integration.web.console import Console, Visitor, start_console
from tests.integration.web.listener import Listener
from tests.support.prefix_proxy import PrefixProxy, prefix_proxy
from tests.support.stack import Room, RunningStack

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
def own(here: Room, stack: RunningStack) -> Console:
    place = str(here.directory / "proxied")
    flags = ("--state-dir", place, "--trusted-proxies", "127.0.0.1", "--allowed-host", _NAME)
    return start_console(here, stack, *flags)


@pytest.fixture(scope="module")
def proxy(own: Console) -> Iterator[PrefixProxy]:
    with prefix_proxy(own.address, _PREFIX, **_GIVEN) as made:
        yield made


@pytest.fixture
def browser(here: Room, own: Console, proxy: PrefixProxy) -> Visitor:
    """Logged in through the proxy."""
    visitor = Visitor(here.client(("127.0.0.1", proxy.port)), proxy.port)
    visitor.headers = dict(_ORIGIN)
    place = ("--state-dir", str(here.directory / "proxied"))
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


def test_pages_and_changes(browser: Visitor, own: Console) -> None:
    status, page, _ = browser.ask("GET", f"{_PREFIX}/")
    assert status == 200
    # Addresses in it are relative: whoever loads it needs no path.
    assert b'src="/' not in page
    assert b'href="/' not in page
    assert browser.ask("GET", f"{_PREFIX}/api/v1/watchers/job")[1]["name"] == "job"
    assert browser.ask("POST", f"{_PREFIX}/api/v1/watchers/job/signal", {"signal": "CONT"})[0] == 200
    for origin in ("https://evil.example", f"http://{_NAME}", f"https://{_NAME}:444", "null"):
        refused = browser.ask("POST", f"{_PREFIX}/api/v1/watchers/job/signal", {"signal": "CONT"}, Origin=origin)
        assert refused[0] == 403, origin
    own.program.wait_output('"from":"10.1.2.3"')


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_the_live_channel(browser: Visitor, own: Console, proxy: PrefixProxy, transport: str) -> None:
    headers = {**browser.headers, "X-CSRF-Token": browser.csrf}
    listener = Listener(own, headers, [transport], port=proxy.port, below=_PREFIX)
    try:
        assert listener.follow(events={"since": -1}) == {"ok": True}
        listener.wait("state", lambda each: each["arbiter"] == "up", "the arbiter")
    finally:
        listener.client.disconnect()
    stolen = {**headers, "Origin": "https://evil.example"}
    with pytest.raises(socketio.exceptions.ConnectionError):
        Listener(own, stolen, [transport], port=proxy.port, below=_PREFIX)


def test_such_headers_count_from_no_stranger(console: Console) -> None:
    visitor = console.visitor()
    status, _, headers = visitor.ask("GET", "/api/v1/session", **_GIVEN)
    assert status == 401
    assert "strict-transport-security" not in headers
    browser = console.browser()
    with contextlib.suppress(KeyError):
        browser.headers.pop("Host")
    status, _, headers = browser.ask("DELETE", "/api/v1/session", **_GIVEN, Host=f"127.0.0.1:{console.port}")
    assert status == 204
    assert "; Path=/; " in headers["set-cookie"]
    assert "10.1.2.3" not in console.program.output()
