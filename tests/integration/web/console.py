"""A real circushttpd beside a stack, and what a browser or a program says to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.support.http_client import Client
from tests.support.ports import free_port
from tests.support.processes import Program
from tests.support.stack import Room, RunningStack
from tests.support.waiting import PATIENCE_S, wait_until

PASSWORD = "a password of ten"


class Visitor:
    """Sends requests as one browser does, with its cookie and its CSRF word, or as a program with a token."""

    def __init__(self, client: Client, port: int) -> None:
        self._client = client
        self.headers = {"Host": f"127.0.0.1:{port}"}
        self.csrf = ""

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any, dict[str, str]]:
        """(status, JSON or bytes, headers in small letters) of a request."""
        sent = {**self.headers, **({"X-CSRF-Token": self.csrf} if self.csrf else {}), **headers}
        raw = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        if raw is not None:
            sent.setdefault("Content-Type", "application/json")
        # Each by itself: a refused body leaves a connection that is not to be used again.
        self._client.close()
        response, content = self._client.fetch(path, method, raw, **sent)
        found = {name.lower(): value for name, value in response.getheaders()}
        is_json = found.get("content-type", "").startswith("application/json")
        return response.status, json.loads(content) if is_json else content, found

    def log_in(self, **credentials: str) -> tuple[int, Any, dict[str, str]]:
        """As the page does; keeps what it is given."""
        status, fields, headers = self.ask("POST", "/api/v1/session", credentials)
        if status == 200:
            self.csrf = fields["csrf"]
            self.headers["Cookie"] = headers["set-cookie"].partition(";")[0]
        return status, fields, headers


class Console:
    """The running program."""

    def __init__(self, room: Room, program: Program, port: int) -> None:
        self.room = room
        self.program = program
        self.port = port

    @property
    def address(self) -> tuple[str, int]:
        return ("127.0.0.1", self.port)

    def visitor(self) -> Visitor:
        return Visitor(self.room.client(self.address), self.port)

    def run(self, *argv: str, stdin: str | None = None) -> str:
        """`circus-stack` with these words, which must succeed; what it prints."""
        done = self.room.run("circus-stack", *argv, stdin=stdin)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def browser(self, role: str = "admin") -> Visitor:
        """Somebody who has logged in by a link."""
        made = self.visitor()
        link = self.run("console", "--role", role, "--url", f"http://127.0.0.1:{self.port}").strip()
        status, fields, _ = made.log_in(link=link.partition("link=")[2])
        assert status == 200, fields
        return made

    def program_with(self, role: str, name: str) -> Visitor:
        """A program with a token."""
        made = self.visitor()
        made.headers["Authorization"] = f"Bearer {self.run('token', 'add', name, '--role', role).strip()}"
        return made


def start_console(room: Room, stack: RunningStack, *flags: str, below: str = "") -> Console:
    """`circushttpd` by hand, answering when this returns, at paths `below` one."""
    return start_elsewhere(room, "--stack", stack.found().record.id, *flags, below=below)


def start_elsewhere(room: Room, *flags: str, below: str = "", env: Mapping[str, str] | None = None) -> Console:
    """The same of whatever stack the flags name."""
    port = free_port()
    program = room.start("circushttpd", "--port", str(port), *flags, env=env).program
    made = Console(room, program, port)

    def answers() -> bool:
        assert program.is_running(), program.output()
        try:
            return made.visitor().ask("GET", f"{below}/api/v1/session")[0] == 401
        except OSError:
            return False

    wait_until(answers, "the console", timeout_s=2 * PATIENCE_S, detail=program.output)
    return made
