"""Real chaussette workers for tests: started on a socket of the test, waited for through their READY=1."""

from __future__ import annotations

import contextlib
import socket
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.support.http_client import Client
from tests.support.processes import PYTHON, Program
from tests.support.waiting import PATIENCE_S

ROOT = Path(__file__).parents[3]
APP = "tests.integration.chaussette.apps:app"
BACKENDS = ("wsgiref", "waitress", "gevent", "fastgevent", "meinheld", "eventlet", "bjoern")


class Supervisor:
    """The receiving end of NOTIFY_SOCKET, and the owner of every worker that is started through it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        # A unix socket's path is short; pytest's directories are not.
        self._run = tempfile.TemporaryDirectory(prefix="chaussette-")
        self.run_dir = Path(self._run.name)
        self.address = str(self.run_dir / "notify")
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._sock.bind(self.address)
        self._workers: list[Program] = []
        self._clients: list[Client] = []

    def start(self, *options: str, fds: Sequence[int] = (), app: str = APP, **env: str) -> Program:
        """Start a worker and do not wait. `fds` are passed and named by --fd."""
        argv = [PYTHON, "-m", "chaussette", *(f"--fd={fd}" for fd in fds), *options, app]
        return self.start_argv(argv, fds=fds, **env)

    def start_argv(self, argv: Sequence[str], *, fds: Sequence[int] = (), cwd: Path = ROOT, **env: str) -> Program:
        log = self._directory / f"worker-{len(self._workers)}.log"
        worker = Program(argv, log, env={"NOTIFY_SOCKET": self.address, **env}, cwd=cwd, pass_fds=fds)
        self._workers.append(worker)
        return worker

    def start_ready(self, *options: str, fds: Sequence[int] = (), app: str = APP, **env: str) -> Program:
        """Start a worker and wait until it says READY=1."""
        worker = self.start(*options, fds=fds, app=app, **env)
        self.wait_ready(worker)
        return worker

    def wait_ready(self, worker: Program) -> dict[str, str]:
        while True:
            message = self.receive(worker)
            if message.get("READY") == "1" and message.get("MAINPID") == str(worker.pid):
                return message

    def receive(self, worker: Program, timeout_s: float = PATIENCE_S) -> dict[str, str]:
        """The next message of any worker as a dict; fails with the worker's output if none comes."""
        deadline = time.monotonic() + timeout_s
        while True:
            self._sock.settimeout(0.1)
            with contextlib.suppress(TimeoutError):
                lines = self._sock.recv(4096).decode().splitlines()
                return dict(line.partition("=")[::2] for line in lines)
            if not worker.is_running() or time.monotonic() > deadline:
                raise AssertionError(f"no message; exit status {worker.popen.poll()}\n{worker.output()}")

    def client(self, address: object) -> Client:
        """A client that is closed at the end."""
        made = Client(address)
        self._clients.append(made)
        return made

    def close(self) -> None:
        for client in self._clients:
            client.close()
        for worker in self._workers:
            worker.kill_group()
        self._sock.close()
        self._run.cleanup()


@contextlib.contextmanager
def listening(address: tuple[str, int] | str, backlog: int = 512) -> Iterator[socket.socket]:
    """A listening socket on a TCP address or a unix path, owned by the test."""
    if isinstance(address, str):
        sock = socket.socket(socket.AF_UNIX)
        sock.bind(address)
        sock.listen(backlog)
    else:
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        sock = socket.create_server(address, family=family, backlog=backlog)
    with sock:
        yield sock
