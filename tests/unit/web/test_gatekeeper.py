"""What the gatekeeper does to requests on their way in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from circus_stack.protocol.roles import Role
from circus_stack.web.access.attempts import Attempts
from circus_stack.web.access.doors import Doors
from circus_stack.web.access.gatekeeper import Gatekeeper
from circus_stack.web.access.login_links import LoginLinks
from circus_stack.web.access.sessions import ROTATION_S, Sessions
from circus_stack.web.access.tokens import Tokens
from circus_stack.web.access.users import Users


def test_an_upgrade_renews_no_key_and_the_next_request_does(tmp_path: Path) -> None:
    now = [1_000_000.0]
    sessions = Sessions(tmp_path, "key", lambda: now[0])
    doors = Doors(
        users=Users(tmp_path),
        links=LoginLinks(tmp_path, lambda: now[0]),
        tokens=Tokens(tmp_path, lambda: now[0]),
        sessions=sessions,
        attempts=Attempts(lambda: now[0]),
    )

    def inner(_environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [b""]

    keeper = Gatekeeper(inner, doors, allowed_hosts=(), most_body=1)
    cookie, _ = sessions.begin("ann", Role.VIEW)

    def cookies_set(**more: str) -> list[str]:
        found: list[tuple[str, str]] = []
        headers = {"HTTP_HOST": "127.0.0.1", "HTTP_COOKIE": f"{sessions.cookie_name}={cookie}", **more}
        keeper({"REQUEST_METHOD": "GET", "PATH_INFO": "/", **headers}, lambda _status, given: found.extend(given))
        return [value for name, value in found if name == "Set-Cookie"]

    now[0] += ROTATION_S + 1.0
    assert cookies_set(HTTP_UPGRADE="websocket") == []
    assert len(cookies_set()) == 1
