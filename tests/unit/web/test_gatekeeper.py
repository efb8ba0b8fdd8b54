"""What the gatekeeper does to requests on their way in."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from circus_stack.protocol.roles import Role
from circus_stack.web.access.attempts import Attempts
from circus_stack.web.access.caller import ENVIRON_KEY
from circus_stack.web.access.doors import Doors
from circus_stack.web.access.gatekeeper import Gatekeeper
from circus_stack.web.access.login_links import LoginLinks
from circus_stack.web.access.sessions import ROTATION_S, Sessions
from circus_stack.web.access.tokens import Tokens
from circus_stack.web.access.users import Users


class Kept:
    """A gatekeeper before an app that says who asked; `now` is the time."""

    def __init__(self, directory: Path) -> None:
        self.now = 1_000_000.0
        self.sessions = Sessions(directory, "key", self._clock)
        doors = Doors(
            users=Users(directory),
            links=LoginLinks(directory, self._clock),
            tokens=Tokens(directory, self._clock),
            sessions=self.sessions,
            attempts=Attempts(self._clock),
        )
        self._keeper = Gatekeeper(self._inner, doors, allowed_hosts=(), most_body=1)
        self.cookie, _ = self.sessions.begin("ann", Role.VIEW)

    def _clock(self) -> float:
        return self.now

    def _inner(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        caller = environ.get(ENVIRON_KEY)
        return [b"" if caller is None else caller.name.encode()]

    def ask(self, method: str = "GET", path: str = "/", **more: str) -> tuple[str, dict[str, str]]:
        """(body, headers)."""
        headers: list[tuple[str, str]] = []
        own = {"HTTP_HOST": "127.0.0.1", "HTTP_COOKIE": f"{self.sessions.cookie_name}={self.cookie}"}
        environ = {"REQUEST_METHOD": method, "PATH_INFO": path, **own, **more}
        body = b"".join(self._keeper(environ, lambda _status, given: headers.extend(given)))
        return body.decode(), dict(headers)


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def test_an_upgrade_renews_no_key_and_the_next_request_does(kept: Kept) -> None:
    kept.now += ROTATION_S + 1.0
    assert "Set-Cookie" not in kept.ask(HTTP_UPGRADE="websocket")[1]
    assert "Set-Cookie" in kept.ask()[1]


def test_a_cookie_of_another_path_hides_none(kept: Kept) -> None:
    name = kept.sessions.cookie_name
    assert kept.ask(HTTP_COOKIE=f"{name}=a.forgery; {name}={kept.cookie}")[0] == "ann"
    # Each costs something.
    assert kept.ask(HTTP_COOKIE=f"{name}=a.forgery; " * 100 + f"{name}={kept.cookie}")[0] == ""


def test_the_password_of_a_proxy_is_in_nobodys_way(kept: Kept) -> None:
    assert kept.ask(HTTP_AUTHORIZATION="Basic YW5uOnNlY3JldA==")[0] == "ann"
    assert "this token is not known" in kept.ask(HTTP_AUTHORIZATION="Bearer cst_guessed")[0]


def test_strict_transport_is_for_names_of_one_machine(kept: Kept) -> None:
    https = {"wsgi.url_scheme": "https"}
    assert "Strict-Transport-Security" in kept.ask(**https)[1]
    assert "Strict-Transport-Security" not in kept.ask(HTTP_HOST="localhost:8080", **https)[1]
    assert "Strict-Transport-Security" not in kept.ask()[1]


def test_a_file_that_cannot_be_read_lets_nobody_in_and_is_told_to_the_log(
    kept: Kept, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "sessions.json").write_text("not ours")
    body, headers = kept.ask()
    assert json.loads(body)["error"]["status"] == 500
    assert "sessions.json" not in body
    assert "sessions.json" in caplog.text
    assert headers["X-Frame-Options"] == "DENY"


def test_no_path_writes_into_the_log(kept: Kept, caplog: pytest.LogCaptureFixture) -> None:
    path = '/x\n2026 audit {"who":"eve"}\r\x1b[2J\x9b31m\u2028\u202e"'
    with caplog.at_level(logging.INFO, logger="circus_stack.audit"):
        kept.ask("DELETE", path)
    [message] = caplog.messages
    assert message.isascii()
    assert message.isprintable()
    assert json.loads(message.removeprefix("audit "))["action"] == f"DELETE {path}"
