"""A real `circus-stack serve` or `circusd` for a test: private directories, its children, and nothing left at the end.

The test process becomes a subreaper: whatever escapes an arbiter ends as our own child, is found, and fails the test.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil

from circus_stack.client.discovery import FoundStack, find_stacks
from circus_stack.client.subscriber import Subscriber
from circus_stack.client.sync import Client as ControlClient
from circus_stack.system.descent import become_subreaper
from tests.support.forked import can_fork, run_forked
from tests.support.http_client import Client
from tests.support.processes import BIN, Program
from tests.support.pty_program import PtyProgram
from tests.support.waiting import PATIENCE_S, wait_until

READY = "circus-stack: ready in"
# What a test's own surroundings must not tell the programs under test.
_UNSET = (
    *("PORT", "WEB_CONCURRENCY", "NO_COLOR", "FORCE_COLOR", "CIRCUSCTL_ENDPOINT", "REDIS_URL", "SOLR_URL"),
    *("NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"),
)


class RunningStack:
    """An arbiter that a test started, and what runs under it."""

    def __init__(self, program: Program, room: Room) -> None:
        self.program = program
        self.room = room

    @property
    def pid(self) -> int:
        return self.program.pid

    def output(self) -> str:
        return self.program.output()

    def found(self) -> FoundStack:
        """What discovery says of it."""

        def look() -> FoundStack | None:
            assert self.program.is_running(), self.output()
            return next((each for each in self.room.stacks() if each.record.pid == self.pid), None)

        return wait_until(look, "the stack in its runtime directory", detail=self.output)

    def call(self, command: str, **properties: Any) -> Any:
        """A command over the control endpoint; CommandError for an error reply."""
        with ControlClient(self.found().record.endpoint, timeout_s=PATIENCE_S) as client:
            return client.call(command, **properties)

    def subscribe(self, *topics: str) -> Subscriber:
        """Whatever is published from now on comes there."""
        subscriber = Subscriber(self.found().record.pubsub_endpoint, topics or ("",))
        assert subscriber.join(PATIENCE_S), self.output()
        return subscriber

    def pids(self, watcher: str = "web") -> list[int]:
        return sorted(int(pid) for pid in self.call("list", name=watcher)["pids"])

    def wait_pids(self, count: int, *, other_than: Sequence[int] = (), watcher: str = "web") -> list[int]:
        """Wait until a watcher has `count` ready processes, none of them one of `other_than`."""

        def there() -> list[int] | None:
            # Not `stats`, which looks at every process of the machine: others may keep it busy.
            processes = self.call("status", extended=True)["watchers"][watcher]["processes"]
            ready = sorted(each["pid"] for each in processes if each["ready_at"])
            fits = len(processes) == count == len(ready) and not set(ready) & set(other_than)
            return ready if fits else None

        return wait_until(there, f"{count} processes of {watcher}", detail=self.output, pause_s=0.05)

    def address(self, name: str = "web") -> Any:
        """(host, port) or path of a listening socket, as bound."""
        sockets = {each["name"]: each for each in self.call("listsockets")["sockets"]}
        found = sockets[name] if name in sockets else next(iter(sockets.values()))
        return found["path"] if "path" in found else (found["host"], found["port"])

    def client(self, name: str = "web") -> Client:
        return self.room.client(self.address(name))

    def serving_pids(self, count: int, *, path: str = "/") -> set[int]:
        """The pids that answer requests, asked several at once until `count` were seen: one client that waits for each
        answer may always meet the same process, which is the first to be back."""
        address = self.address()
        seen: set[int] = set()

        def ask(_number: int) -> None:
            with contextlib.closing(Client(address)) as client:
                seen.add(int(client.fetch(path)[1]))

        def enough() -> bool:
            list(pool.map(ask, range(16)))
            return len(seen) >= count

        with ThreadPoolExecutor(8) as pool:
            wait_until(enough, f"answers of {count} processes", detail=lambda: seen)
        return seen

    def family(self) -> list[psutil.Process]:
        """All descendants, by pid."""
        return psutil.Process(self.pid).children(recursive=True)

    def wait_line(self, text: str, *, timeout_s: float = PATIENCE_S) -> str:
        return self.program.wait_output(text, timeout_s=timeout_s)

    def send(self, signum: int) -> None:
        self.program.signal(signum)

    def stop(self, signum: int = signal.SIGINT, *, timeout_s: float = PATIENCE_S) -> int:
        """Send a signal and wait for the end; the exit status."""
        self.program.signal(signum)
        return self.program.wait_exit(timeout_s=timeout_s)


class Room:
    """Private directories for the programs of one test, and the processes that it started in them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        # A unix socket's path is short; pytest's directories are not.
        self.base = Path(tempfile.mkdtemp(prefix="cs", dir="/tmp"))
        self.runtime, self.state = self.base / "r", self.base / "s"
        for each in (self.runtime, self.state, self.base / "t"):
            each.mkdir(mode=0o700)
        self.environ = {name: value for name, value in os.environ.items() if name not in _UNSET}
        self.environ |= {
            "XDG_RUNTIME_DIR": str(self.runtime),
            "XDG_STATE_HOME": str(self.state),
            "TMPDIR": str(self.base / "t"),
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "PYTHONUNBUFFERED": "1",
        }
        become_subreaper()
        self._before = {each.pid for each in psutil.Process().children(recursive=True)}
        self._programs: list[Program] = []
        self._clients: list[Client] = []
        self._terminals: list[PtyProgram] = []

    # -- starting ---------------------------------------------------------------------------------------------

    def start(self, *argv: str, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> RunningStack:
        """Start one of our programs, by name, and do not wait."""
        log = self.directory / f"{argv[0]}-{len(self._programs)}.log"
        program = Program(
            [str(BIN / argv[0]), *argv[1:]], log, env=env, base_env=self.environ, cwd=cwd or self.directory
        )
        return self.adopt(program)

    def adopt(self, program: Program) -> RunningStack:
        """A program that the test started in its own way: it is killed and reaped with the others."""
        self._programs.append(program)
        return RunningStack(program, self)

    def serve(self, *args: str, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> RunningStack:
        """`circus-stack serve`, up when this returns."""
        stack = self.start("circus-stack", "serve", *args, env=env, cwd=cwd)
        stack.wait_line(READY, timeout_s=2 * PATIENCE_S)
        return stack

    def circusd(self, *args: str, env: Mapping[str, str] | None = None) -> RunningStack:
        """`circusd`, with its control endpoint there and no watcher still starting."""
        stack = self.start("circusd", *args, env=env)
        wait_until(
            lambda: "starting" not in stack.call("status")["statuses"].values(), "the watchers", detail=stack.output
        )
        return stack

    def run(
        self,
        *argv: str,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stdin: str | None = None,
        timeout_s: float = PATIENCE_S,
    ) -> subprocess.CompletedProcess[str]:
        """Run one of our programs to its end; `stdin` is all that it can read."""
        words, directory = [str(BIN / argv[0]), *argv[1:]], cwd or self.directory
        environ = {**self.environ, **(env or {})}
        if can_fork(words, environ):
            return run_forked(words, env=environ, cwd=directory, stdin=stdin, timeout_s=timeout_s)
        return subprocess.run(
            words,
            capture_output=True,
            text=True,
            **({"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}),
            env=environ,
            cwd=directory,
            timeout=timeout_s,
            check=False,
        )

    def ctl_json(self, *words: str) -> Any:
        """`circusctl --json WORDS`, which must succeed."""
        done = self.run("circusctl", "--json", *words)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def in_terminal(self, *argv: str, env: Mapping[str, str] | None = None) -> PtyProgram:
        """Start one of our programs in a terminal of its own."""
        made = PtyProgram([str(BIN / argv[0]), *argv[1:]], env={**self.environ, **(env or {})}, cwd=self.directory)
        self._terminals.append(made)
        return made

    def client(self, address: Any) -> Client:
        """An HTTP client that is closed at the end."""
        made = Client(address)
        self._clients.append(made)
        return made

    def stacks(self) -> tuple[FoundStack, ...]:
        """The stacks that run in this room."""
        return find_stacks(self.environ, temporary=self.base / "t").stacks

    # -- the end ----------------------------------------------------------------------------------------------

    def runtime_files(self) -> list[str]:
        """What stands in the runtime directories: nothing once every stack has ended."""
        return [str(each) for root in (self.runtime, self.base / "t") for each in root.rglob("*") if not _is_root(each)]

    def leftovers(self) -> list[psutil.Process]:
        """Living descendants of this process that the test has brought about, programs that still run included."""
        reap_strays(self._before | {each.pid for each in (*self._programs, *self._terminals)})
        children = psutil.Process().children(recursive=True)
        return [each for each in children if each.pid not in self._before and _is_alive(each)]

    def assert_nothing_left(self) -> None:
        """No process, no runtime file."""
        assert [describe(each) for each in self.leftovers()] == []
        assert self.runtime_files() == []

    def close(self) -> list[str]:
        """Kill and reap everything; what had been left over by programs that have ended, described."""
        for client in self._clients:
            client.close()
        for terminal in self._terminals:
            terminal.close()
        running = [each for each in self._programs if each.is_running()]
        # In this order: what an arbiter starts between the two looks is in its tree.
        left = self.leftovers()
        expected = {each.pid for program in running for each in _tree(program.pid)}
        strays = [describe(each) for each in left if each.pid not in expected and _is_alive(each)]
        self._kill_all(running)
        return strays

    def _kill_all(self, running: Sequence[Program]) -> None:
        for program in running:
            # Stopped first, so that nothing is replaced while it is killed.
            program.signal(signal.SIGSTOP)
        deadline = time.monotonic() + PATIENCE_S
        while (left := self.leftovers()) and time.monotonic() < deadline:
            for process in left:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            for program in running:
                program.popen.poll()
            time.sleep(0.01)
        for program in running:
            program.wait_exit()
        assert not left, [describe(each) for each in left]

    def remove(self) -> None:
        shutil.rmtree(self.base, ignore_errors=True)


@contextlib.contextmanager
def room(directory: Path) -> Iterator[Room]:
    """A room for the length of a block. If all went well nothing may have been left; if not, its files are kept."""
    made = Room(directory)
    try:
        yield made
    except BaseException:
        made.close()
        raise
    strays = made.close()
    assert strays == [], "processes that outlived their arbiter"
    made.remove()


def reap_strays(keep: set[int]) -> None:
    """Reap zombies that were handed to us as their subreaper, but for `keep`, whose owners wait for them."""
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess, ChildProcessError):
            if child.pid not in keep and child.status() == psutil.STATUS_ZOMBIE:
                os.waitpid(child.pid, os.WNOHANG)


def describe(process: psutil.Process) -> str:
    try:
        return f"{process.pid} {process.status()} {' '.join(process.cmdline())}"
    except psutil.Error:
        return f"{process.pid} gone"


def port_of_banner(output: str) -> int:
    """The port of the first listening socket that `serve` shows."""
    match = re.search(r"listening +http://\S+?:(\d+)/", output)
    assert match, output
    return int(match[1])


def _is_root(path: Path) -> bool:
    # The directory that holds the stacks' directories stays.
    return path.name.startswith("circus-stack") and path.is_dir()


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _tree(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
