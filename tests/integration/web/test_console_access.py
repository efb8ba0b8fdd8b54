"""Who is let in to a real console, and what is turned away."""

from __future__ import annotations

import json
import socket

import pytest

from circus_stack.web.access.attempts import MOST_OF_ADDRESS
from tests.integration.web.console import PASSWORD, Console, start_console
from tests.support.stack import Room, RunningStack
from tests.support.waiting import PATIENCE_S


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
