"""A real circusd whose endpoints on TCP ask for keys, the keys of its clients, and what these may have changed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from circus_stack.cli.keygen import keygen
from circus_stack.client.credentials import Credentials, read_credentials
from circus_stack.client.subscriber import Subscriber
from circus_stack.client.sync import Client
from tests.support.ports import free_port
from tests.support.stack import Room, RunningStack
from tests.support.waiting import PATIENCE_S

INI = """\
[circus]
keys_dir = {keys}
endpoint = tcp://{host}:{control}
pubsub_endpoint = tcp://{host}:{events}
logs_endpoint = tcp://{host}:{logs}
check_delay = 1
[watcher:web]
cmd = sh -c 'echo hello; exec sleep 600'
numprocesses = 2
[env:web]
DB_PASSWORD = hunter2
"""


@dataclass
class Keys:
    """A directory of keys, made by the program that makes them."""

    here: Room
    directory: Path

    def make_server(self) -> None:
        done = self.here.run("circus-stack", "keygen", "server", "--dir", str(self.directory))
        assert done.returncode == 0, done.stderr

    def make_client(self, name: str, role: str) -> Path:
        path = self.here.directory / f"{name}.key"
        # In this process: a stack needs three of them.
        words = ["client", name, "--role", role, "-o", str(path), "--dir", str(self.directory)]
        done = CliRunner().invoke(keygen, words)
        assert done.exit_code == 0, done.output
        return path

    @property
    def authorized(self) -> Path:
        return self.directory / "authorized_keys"


class Guarded:
    """The stack, and clients at its TCP endpoints."""

    def __init__(self, here: Room, host: str = "127.0.0.1") -> None:
        self.here = here
        self.keys = Keys(here, here.directory / "keys")
        self.keys.make_server()
        self.files = {role: self.keys.make_client(role, role) for role in ("view", "operate", "admin")}
        self.ports = {name: free_port() for name in ("control", "events", "logs")}
        self.ini = here.directory / "guarded.ini"
        self.ini.write_text(INI.format(keys=self.keys.directory, host=host, **self.ports))
        self.stack: RunningStack = here.circusd(str(self.ini))
        self.stack.wait_pids(2)

    def endpoint(self, name: str = "control") -> str:
        return f"tcp://127.0.0.1:{self.ports[name]}"

    def credentials(self, role: str) -> Credentials:
        return read_credentials(self.files[role])

    def client(self, credentials: Credentials | None) -> Client:
        return Client(self.endpoint(), timeout_s=PATIENCE_S, credentials=credentials)

    def subscriber(self, name: str, credentials: Credentials | None) -> Subscriber:
        return Subscriber(self.endpoint(name), credentials=credentials)

    def facts(self) -> dict[str, Any]:
        """Whatever a client could change: who runs, what is wanted, and every option."""
        names = self.stack.call("list")["watchers"]
        return {
            "statuses": self.stack.call("status")["statuses"],
            "pids": {name: self.stack.pids(name) for name in names},
            "options": {name: self.stack.call("options", name=name)["options"] for name in names},
            "ini": self.ini.read_text(),
        }
