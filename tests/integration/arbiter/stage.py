"""An arbiter with real processes in the test's own loop, and a record of its events. Everything it starts is killed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from circus_stack.arbiter.arbiter import Arbiter
from circus_stack.arbiter.kinship import Kinship
from circus_stack.arbiter.launch import Surroundings
from circus_stack.arbiter.means import Means
from circus_stack.arbiter.pulse import Pulse
from circus_stack.arbiter.run_book import RunBook
from circus_stack.arbiter.sockets import ListeningSocket, bind_all, fds
from circus_stack.config.schema import CircusConfig, SocketConfig, SourceKind, StackConfig, WatcherConfig
from circus_stack.events import Event
from circus_stack.system.descent import become_subreaper, descendants
from circus_stack.system.notify import NotifySocket
from circus_stack.system.reaper import Reaper

E = TypeVar("E", bound=Event)
PATIENCE_S = 20.0


class NullCapture:
    """Output goes nowhere."""

    def __init__(self) -> None:
        self.stdout_fd = self.stderr_fd = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)

    def attach(self, pid: int) -> None:
        os.close(self.stdout_fd)

    def abandon(self) -> None:
        os.close(self.stdout_fd)


def python(code: str) -> str:
    """A command that runs a bit of Python, isolated so that it starts fast."""
    return shlex.join([sys.executable, "-I", "-S", "-c", code])


# Says READY=1 the way sd_notify does, then lives on.
NOTIFY = (
    "import os,socket;n=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM);"
    "n.sendto(b'READY=1',os.environ['NOTIFY_SOCKET'].replace('@','\\0',1));"
)
SLEEP = "import time;time.sleep(600)"


def stack_of(*watchers: WatcherConfig, sockets: tuple[SocketConfig, ...] = ()) -> StackConfig:
    return StackConfig(
        source="test.ini", kind=SourceKind.CIRCUS, circus=CircusConfig(), sockets=sockets, watchers=watchers
    )


@dataclass
class Stage:
    """A running arbiter; `events` holds everything that was published so far."""

    arbiter: Arbiter
    sockets: dict[str, ListeningSocket]
    pulse: Pulse
    events: list[Event] = field(default_factory=list)
    run: asyncio.Task[None] | None = None

    def of(self, kind: type[E], watcher: str | None = None) -> list[E]:
        return [each for each in self.events if isinstance(each, kind) and watcher in (None, each.watcher)]

    async def wait(self, condition: Callable[[], Any], what: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not condition():
                    await asyncio.sleep(0.005)
        except TimeoutError:
            raise AssertionError(f"waited in vain for {what}; events: {self.events}") from None

    def pids(self, name: str) -> list[int]:
        return [each.pid for each in self.arbiter.processes(name)]


@contextlib.asynccontextmanager
async def stage(stack: StackConfig, tmp_path: Path, book: RunBook | None = None) -> AsyncIterator[Stage]:
    """Run an arbiter for the length of a block; afterwards nothing of it is left, whatever happened. `book`: what a
    former one has left of its scheduled runs."""
    loop = asyncio.get_running_loop()
    become_subreaper()
    sockets = bind_all(stack.sockets)
    holder: list[Arbiter] = []
    reaper = Reaper(loop, lambda pid: holder[0].stranger_reaped(pid))
    notify = NotifySocket(loop, tmp_path / "n", lambda pid, fields: holder[0].notified(pid, fields))
    reaper.start()
    pulse = Pulse()
    events: list[Event] = []
    means = Means(
        loop=loop,
        reaper=reaper,
        kinship=Kinship(loop, reaper),
        pulse=pulse,
        open_capture=lambda config, wid: NullCapture(),
        publish=events.append,
        hear=notify.drain,
        book=book or RunBook(),
        surroundings=lambda: Surroundings(fds(sockets), os.environ, notify.path, notify.path_fd),
    )
    arbiter = Arbiter(stack, sockets, means)
    holder.append(arbiter)
    run = loop.create_task(arbiter.run())
    try:
        yield Stage(arbiter, sockets, pulse, events, run)
    finally:
        arbiter.request_quit()
        with contextlib.suppress(TimeoutError, asyncio.CancelledError):
            async with asyncio.timeout(PATIENCE_S):
                await asyncio.shield(run)
        run.cancel()
        left = descendants()
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for listening in sockets.values():
            listening.close()
        notify.close()
        for pid in left:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
        reaper.close()


def play(
    stack: StackConfig,
    tmp_path: Path,
    act: Callable[[Stage], Coroutine[Any, Any, None]],
    book: Callable[[], RunBook] = RunBook,
) -> None:
    """Run `act` on a stage, bounded."""

    async def bounded() -> None:
        async with asyncio.timeout(60), stage(stack, tmp_path, book()) as on:
            await act(on)

    asyncio.run(bounded())
