"""The console of a stack as the network gets it: https, a name, a proxy with a path."""

from __future__ import annotations

import http.client
import json
import re
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.certificates import make_authority, sign, trusting
from tests.support.ports import free_port
from tests.support.stack import Room, room
from tests.support.waiting import PATIENCE_S, wait_until

_ON = {"CIRCUS_STACK_HTTPD": ""}


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Room]:
    with room(tmp_path) as made:
        yield made


class Browser:
    """Asks over TLS, a connection a request."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        self._port = port
        self._context = context

    def ask(
        self, path: str, body: object = None, **headers: str
    ) -> tuple[int, Any, http.client.HTTPMessage, dict[str, str]]:
        """(status, JSON, headers, subject of the certificate)."""
        connection = http.client.HTTPSConnection("127.0.0.1", self._port, timeout=PATIENCE_S, context=self._context)
        try:
            connection.connect()
            assert isinstance(connection.sock, ssl.SSLSocket)
            told: Any = connection.sock.getpeercert()
            subject = dict(pair for part in told["subject"] for pair in part)
            sent = {"Content-Type": "application/json", **headers}
            raw = None if body is None else json.dumps(body)
            connection.request("GET" if raw is None else "POST", path, body=raw, headers=sent)
            response = connection.getresponse()
            return response.status, json.loads(response.read()), response.headers, subject
        finally:
            connection.close()

    def status(self, path: str = "/ops/api/v1/session", **headers: str) -> int:
        """0 where nobody answers yet."""
        try:
            return self.ask(path, **headers)[0]
        except OSError:
            return 0


def test_https_behind_a_proxy_and_a_name(here: Room) -> None:
    authority = make_authority(here.directory)
    sign(here.directory, "server", "/CN=first")
    port = free_port()
    ini = here.directory / "app.ini"
    ini.write_text(
        "[watcher:job]\ncmd = sleep 1000\n"
        f"[circus]\nhttpd_port = {port}\nhttpd_certfile = server.pem\nhttpd_keyfile = server.key\n"
        "httpd_names = Console.Test\nhttpd_prefix = /ops\nhttpd_trusted_proxies = 127.0.0.1\n"
    )
    stack = here.serve(str(ini), env=_ON)
    assert f"https://127.0.0.1:{port}/ops/" in stack.output()
    browser = Browser(port, trusting(authority))
    wait_until(lambda: browser.status() == 401, "the console", timeout_s=2 * PATIENCE_S, detail=stack.output)
    assert browser.status(Host="console.test") == 401
    assert browser.status(Host="evil.test") == 421
    # What the proxy says of the client counts, and where the cookie holds.
    link = here.run("circus-stack", "console").stdout.strip()
    assert link.startswith(f"https://127.0.0.1:{port}/ops/#/login?link=")
    status, fields, headers, subject = browser.ask(
        "/ops/api/v1/session", {"link": link.partition("link=")[2]}, **{"X-Forwarded-For": "10.1.2.3"}
    )
    assert (status, fields["role"], subject["commonName"]) == (200, "admin", "first")
    assert re.search(r"; Path=/ops/;.*; Secure$", str(headers["Set-Cookie"])), headers["Set-Cookie"]
    assert headers["Strict-Transport-Security"]
    stack.wait_line('"from":"10.1.2.3"')

    # A new certificate is taken up by a reload, and nobody is cut off for it.
    [before] = stack.pids("circushttpd")
    sign(here.directory, "server", "/CN=second")
    assert here.run("circus-stack", "reload").returncode == 0
    wait_until(
        lambda: browser.ask("/ops/api/v1/session")[3]["commonName"] == "second",
        "the new certificate",
        detail=stack.output,
    )
    assert stack.pids("circushttpd") == [before]
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_a_certificate_that_cannot_be_used_is_told_before_anything_starts(here: Room) -> None:
    make_authority(here.directory)
    _, key = sign(here.directory, "server", "/CN=first")
    locked = here.directory / "locked.key"
    lock = ["openssl", "ec", "-in", str(key), "-aes256", "-passout", "pass:secret", "-out", str(locked)]
    subprocess.run(lock, check=True, capture_output=True, timeout=60)
    ini = here.directory / "app.ini"
    for options, line, reason in (
        ("httpd_certfile = nowhere.pem", 4, "httpd_certfile: cannot be used: No such file"),
        ("httpd_certfile = app.ini", 4, "httpd_certfile: cannot be used"),
        ("httpd_certfile = server.pem\nhttpd_keyfile = nowhere.key", 5, "httpd_keyfile: cannot be used: No such file"),
        ("httpd_certfile = server.pem\nhttpd_keyfile = locked.key", 5, "httpd_keyfile: cannot be used: has a password"),
        ("httpd_keyfile = server.key", 4, "httpd_keyfile: is refused: without httpd_certfile there is no TLS"),
        ("httpd_prefix = ops", 4, "httpd_prefix: "),
        ("httpd_trusted_proxies = proxy.test", 4, "httpd_trusted_proxies: "),
    ):
        ini.write_text(f"[watcher:job]\ncmd = sleep 1000\n[circus]\n{options}\n")
        refused = here.run("circus-stack", "serve", str(ini), "--dry-run", env=_ON)
        assert refused.returncode == 2, refused.stdout
        assert f"{ini}:{line}: [circus] {reason}" in refused.stderr
    # `check` says the same, on a machine that starts nothing.
    ini.write_text("[watcher:job]\ncmd = sleep 1000\n[circus]\nhttpd = on\nhttpd_certfile = nowhere.pem\n")
    checked = here.run("circus-stack", "check", str(ini), env=_ON)
    assert checked.returncode == 2
    assert f"{ini}:5: [circus] httpd_certfile: cannot be used: No such file" in checked.stdout + checked.stderr
