"""What a hostile page, a hostile client and a hostile program try at a real console, and that none of it works."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest
import socketio

from tests.integration.web.console import Console, Visitor
from tests.integration.web.listener import Listener
from tests.support.stack import RunningStack
from tests.support.waiting import PATIENCE_S, wait_until

V1 = "/api/v1"
_SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"
_NAME = "<img src=x onerror=alert(3)>"
_IN_PATH = "%3Cimg%20src=x%20onerror=alert(3)%3E"


@pytest.fixture(scope="module")
def victim(console: Console) -> Visitor:
    """A browser whose cookie, and even whose CSRF word, somebody else has got hold of."""
    return console.browser()


@pytest.mark.parametrize(
    "foreign",
    [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}],
    ids=["origin", "null", "site"],
)
def test_a_stolen_cookie_is_of_no_use_on_another_origin(
    console: Console, victim: Visitor, stack: RunningStack, foreign: dict[str, str]
) -> None:
    before = stack.pids("job")
    for method, path, body in (
        ("POST", "/watchers/job/restart", {}),
        ("PATCH", "/watchers/job/options", {"priority": 5}),
        ("DELETE", "/watchers/job", None),
        ("POST", "/config/apply", {}),
    ):
        assert victim.ask(method, V1 + path, body, **foreign)[0] == 403, (method, path)
    assert victim.ask("GET", "/socket.io/?EIO=4&transport=polling", **foreign)[0] == 403
    headers = {**victim.headers, "X-CSRF-Token": victim.csrf, **foreign}
    with pytest.raises(socketio.exceptions.ConnectionError):
        Listener(console, headers, ["websocket"])
    # It may ask for what is only to be seen; no browser hands it the answer.
    for method, path in (("GET", f"{V1}/config"), ("OPTIONS", f"{V1}/watchers/job/restart"), ("GET", "/socket.io/")):
        found = victim.ask(method, path, **foreign)[2]
        assert not [name for name in found if name.startswith("access-control-allow")]
    assert stack.pids("job") == before


def _answer(console: Console, sent: bytes) -> bytes:
    """The first bytes of the response to what is no ordinary request."""
    with socket.create_connection(console.address, timeout=PATIENCE_S) as raw:
        raw.sendall(sent)
        return raw.recv(100)


def _head(console: Console, visitor: Visitor, *lines: str) -> bytes:
    sent = [
        "POST /api/v1/watchers HTTP/1.1",
        f"Host: 127.0.0.1:{console.port}",
        f"Authorization: {visitor.headers['Authorization']}",
        "Content-Type: application/json",
        *lines,
    ]
    return "\r\n".join([*sent, "", ""]).encode()


def test_what_is_too_large_is_refused(console: Console) -> None:
    admin = console.program_with("admin", "attacks-large")
    status, _, _ = admin.ask("POST", f"{V1}/watchers", b'"' + b"x" * (1 << 20) + b'"')
    assert status == 413
    piece = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    chunked = _head(console, admin, "Transfer-Encoding: chunked") + piece * 17 + b"0\r\n\r\n"
    assert _answer(console, chunked).startswith(b"HTTP/1.1 413")
    malformed = _head(console, admin, "Transfer-Encoding: chunked") + b"no size\r\n"
    assert _answer(console, malformed).startswith(b"HTTP/1.1 400")
    assert _answer(console, _head(console, admin, "X-Large: " + "x" * 300_000)).startswith(b"HTTP/1.1 431")
    long = f"GET /{'x' * 100_000} HTTP/1.1\r\nHost: 127.0.0.1:{console.port}\r\n\r\n".encode()
    assert _answer(console, long).startswith(b"HTTP/1.1 414")
    assert admin.ask("GET", f"{V1}/watchers")[0] == 200


@pytest.fixture(scope="module")
def hostile(console: Console) -> Iterator[Visitor]:
    """An administrator of a stack with a program whose name and whose lines are script."""
    admin = console.program_with("admin", "attacks-script")
    cmd = f"printf '%s\\n' '{_SCRIPT}' '\x1b]0;title\x07\x1b[2J' && exec sleep 1000"
    body = {"name": _NAME, "cmd": cmd, "options": {"copy_env": True, "shell": True}}
    status, made, _ = admin.ask("POST", f"{V1}/watchers", body)
    assert status == 201, made
    yield admin
    assert admin.ask("DELETE", f"{V1}/watchers/{_IN_PATH}?wait=true")[0] == 200


def test_script_in_a_name_or_a_line_is_never_a_page(hostile: Visitor) -> None:
    wait_until(lambda: len(hostile.ask("GET", f"{V1}/logs?watcher={_IN_PATH}")[1]) == 2, "both lines")
    for path in (
        "/watchers",
        f"/watchers/{_IN_PATH}",
        f"/watchers/{_IN_PATH}/options",
        f"/watchers/{_IN_PATH}-too",
        "/config",
        "/events",
        "/jobs",
        f"/logs?watcher={_IN_PATH}",
        f"/logs?watcher={_IN_PATH}-too",
        f"/logs?stream={_IN_PATH}",
        f"/logs?watcher={_IN_PATH}&format=text",
        f"/{_IN_PATH}",
    ):
        _, _, headers = hostile.ask("GET", V1 + path)
        kind = headers["content-type"]
        assert kind == "application/json" or (kind == "text/plain; charset=utf-8" and "format=text" in path), path
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]
    _, text, headers = hostile.ask("GET", f"{V1}/logs?watcher={_IN_PATH}&format=text")
    assert _SCRIPT.encode() in text
    assert headers["content-disposition"].startswith("attachment;")


def test_nobody_writes_lines_of_the_audit(console: Console, hostile: Visitor) -> None:
    forged = f'x%0a2026-01-01 audit {{"action":"forged","who":"root"}}%0d%0a{_IN_PATH}%1b[2J'.replace(" ", "%20")
    hostile.ask("POST", f"{V1}/watchers/{forged}/stop", {})
    hostile.ask("POST", f"{V1}/session", {"user": "a\nb audit {}", "password": "wrong wrong"})
    lines = [line for line in console.program.output().splitlines() if "audit" in line]
    for line in lines:
        # Each is one of ours, whole.
        assert json.loads(line.partition(" audit ")[2])["status"], line
    assert "\x1b" not in "".join(lines)
    assert [line for line in lines if "forged" in line and '"who":"attacks-script"' in line]
