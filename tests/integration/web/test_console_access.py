"""Who is let in to a real console, and what is turned away."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest
import socketio

from circus_stack.web.access.attempts import MOST_OF_ADDRESS
from tests.integration.web.console import PASSWORD, Console, Visitor, start_console
from tests.integration.web.listener import Listener
from tests.support.stack import Room, RunningStack
from tests.support.waiting import PATIENCE_S, wait_until

V1 = "/api/v1"
_SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"
_NAME = "<img src=x onerror=alert(3)>"
_IN_PATH = "%3Cimg%20src=x%20onerror=alert(3)%3E"


def test_a_link_lets_in_once_and_the_session_lasts(console: Console) -> None:
    link = console.run("console", "--url", f"http://127.0.0.1:{console.port}").strip()
    assert link.startswith(f"http://127.0.0.1:{console.port}/#/login?link=")
    word = link.partition("link=")[2]
    first, second = console.visitor(), console.visitor()
    status, fields, headers = first.log_in(link=word)
    assert (status, fields["user"], fields["role"]) == (200, "admin", "admin")
    cookie = headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert second.log_in(link=word)[0] == 401
    assert first.ask("GET", "/api/v1/session")[0] == 200
    assert first.ask("DELETE", "/api/v1/session")[0] == 204
    assert first.ask("GET", "/api/v1/session")[0] == 401


def test_every_response_forbids_a_browser_what_it_need_not_do(console: Console) -> None:
    for path in ("/api/v1/session", "/api/v1/nothing"):
        _, _, headers = console.visitor().ask("GET", path)
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"


def test_a_password_lets_in_and_a_new_one_ends_what_was_open(console: Console) -> None:
    console.room.run("circus-stack", "passwd", "ann", "--role", "view", stdin=f"{PASSWORD}\n")
    assert console.run("passwd", "--list") == "ann  view\n"
    ann = console.visitor()
    assert ann.log_in(user="ann", password="not " + PASSWORD)[0] == 401
    assert ann.log_in(user="ann", password=PASSWORD)[0] == 200
    assert ann.ask("GET", "/api/v1/session")[1]["role"] == "view"
    console.run("passwd", "ann", stdin="another password\n")
    assert ann.ask("GET", "/api/v1/session")[0] == 401
    console.run("passwd", "--remove", "ann")
    assert ann.log_in(user="ann", password="another password")[0] == 401
    assert PASSWORD not in console.program.output()


def test_a_token_lets_a_program_in_until_it_is_taken_back(console: Console) -> None:
    program = console.program_with("operate", "deploy")
    status, fields, _ = program.ask("GET", "/api/v1/session")
    assert (status, fields) == (200, {"user": "deploy", "role": "operate", "csrf": None, "expires": None})
    assert "deploy  operate" in console.run("token", "list")
    console.run("token", "remove", "deploy")
    assert program.ask("GET", "/api/v1/session")[0] == 401


def test_a_change_needs_the_word_of_its_session(console: Console) -> None:
    browser = console.browser()
    word, browser.csrf = browser.csrf, ""
    assert browser.ask("DELETE", "/api/v1/session")[0] == 403
    browser.csrf = "wrong"
    assert browser.ask("DELETE", "/api/v1/session")[0] == 403
    browser.csrf = word
    assert browser.ask("DELETE", "/api/v1/session")[0] == 204


def test_a_cookie_is_of_no_use_to_another_site(console: Console) -> None:
    browser = console.browser()
    for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        assert browser.ask("DELETE", "/api/v1/session", **headers)[0] == 403
    assert browser.ask("GET", "/api/v1/session", Host="evil.example")[0] == 421
    assert browser.ask("GET", "/api/v1/session")[0] == 200


def test_a_forged_cookie_is_nobodys(console: Console) -> None:
    visitor = console.visitor()
    name = console.browser().headers["Cookie"].partition("=")[0]
    for text in (f"{name}=admin", f"{name}=a.b", f"{name}=", "=;;=", f"{name}=%00", name):
        assert visitor.ask("GET", "/api/v1/session", Cookie=text)[0] == 401


def test_what_other_servers_of_the_host_have_set_is_in_nobodys_way(console: Console) -> None:
    browser = console.browser()
    own = browser.headers["Cookie"]
    for text in (f'{{"a": [1]}}; x=é; {own}', f"circus_session=other; {own}", f"a b=c@[]; ;;{own};", f'{own}; "'):
        assert browser.ask("GET", "/api/v1/session", Cookie=text.encode().decode("latin-1"))[0] == 200


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"password": 5}', "application/json", 400),
        (b'{"password": "x", "link": "y"}', "application/json", 400),
        (b'{"password": "x", "more": 1}', "application/json", 400),
        (b"password=x", "application/x-www-form-urlencoded", 415),
        (b"\xff\xfe", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
    ],
)
def test_what_is_no_login_is_told(console: Console, body: bytes, kind: str, status: int) -> None:
    found, fields, _ = console.visitor().ask("POST", "/api/v1/session", body, **{"Content-Type": kind})
    assert found == status, fields
    assert fields["error"]["reason"]


def test_a_body_too_large_is_refused_before_it_is_read(console: Console) -> None:
    head = (
        f"POST /api/v1/session HTTP/1.1\r\nHost: 127.0.0.1:{console.port}\r\n"
        "Content-Type: application/json\r\nContent-Length: 100000000\r\n\r\n"
    )
    with socket.create_connection(console.address, timeout=PATIENCE_S) as raw:
        raw.sendall(head.encode())
        assert raw.recv(100).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/api/v1/../../x",
        "/..%2f..%2fx",
        "/assets/..%2f..%2f..%2fpages.py",
        "/assets/%252e%252e/x",
        "/assets/..\\..\\x",
        "//etc/passwd",
        "/index.html%00.js",
    ],
)
def test_no_path_leads_out(console: Console, path: str) -> None:
    status, content, _ = console.visitor().ask("GET", path)
    assert status in (400, 401, 404), content
    assert b"root:" not in json.dumps(content).encode() if not isinstance(content, bytes) else b"root:" not in content


def test_each_change_has_its_line(console: Console) -> None:
    browser = console.browser()
    browser.ask("PATCH", "/api/v1/watchers/idle/options", {"graceful_timeout": 7, "env": {"IDLE_PASSWORD": "geheim"}})
    browser.ask("POST", "/api/v1/watchers/idle/signal", {"signal": "hup"})
    browser.ask("DELETE", "/api/v1/session")
    lines = [line for line in console.program.output().splitlines() if " audit " in line][-4:]
    found = [json.loads(line.partition(" audit ")[2]) for line in lines]
    assert {(each["who"], each["from"]) for each in found[1:]} == {("admin", "127.0.0.1")}
    assert [(each["action"], each.get("detail")) for each in found] == [
        ("POST /api/v1/session", "login of admin as admin"),
        ("PATCH /api/v1/watchers/idle/options", "graceful_timeout, env"),
        ("POST /api/v1/watchers/idle/signal", "hup to all"),
        ("DELETE /api/v1/session", None),
    ]
    assert found[-1]["status"] == 204
    assert not any("geheim" in line for line in lines)


def test_guessing_is_slow(here: Room, stack: RunningStack) -> None:
    own = start_console(here, stack, "--state-dir", str(here.directory / "own"))
    visitor = own.visitor()
    for _ in range(MOST_OF_ADDRESS):
        assert visitor.log_in(password="guessed wrong")[0] == 401
    status, fields, headers = visitor.log_in(password="guessed wrong")
    assert status == 429
    assert int(headers["retry-after"]) > 0
    assert "try again in" in fields["error"]["reason"]
    # Who guesses keeps nobody out who has a link.
    link = own.run("console", "--state-dir", str(here.directory / "own"), "--url", "http://127.0.0.1").strip()
    assert visitor.log_in(link=link.partition("link=")[2])[0] == 200


def test_it_is_not_offered_to_the_network_without_a_password(here: Room, stack: RunningStack) -> None:
    place = str(here.directory / "nobody")
    done = here.run("circushttpd", "--host", "0.0.0.0", "--port", "0", "--state-dir", place)
    assert done.returncode == 1
    assert f"circus-stack passwd --state-dir {place}" in done.stderr


def test_below_a_path_of_a_proxy(here: Room, stack: RunningStack) -> None:
    own = start_console(here, stack, "--prefix", "/ops/", below="/ops")
    browser = own.visitor()
    link = own.run("console", "--url", f"http://127.0.0.1:{own.port}/ops").strip()
    status, fields, headers = browser.ask("POST", "/ops/api/v1/session", {"link": link.partition("link=")[2]})
    assert status == 200, fields
    assert "Path=/ops/" in headers["set-cookie"]
    assert browser.ask("GET", "/elsewhere")[0] == 404


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
