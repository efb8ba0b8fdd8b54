"""Real children whose output is captured in a real loop; killed and reaped whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from circus_stack.config.schema import WatcherConfig
from circus_stack.config.values import StreamConfig
from circus_stack.streams.capture import Capture
from circus_stack.streams.drops import Dropped
from circus_stack.streams.streams import Streams
from circus_stack.streams.tail import LiveTail
from tests.support.waiting import PATIENCE_S


class Rig:
    """Streams, the drops it told, and the processes started in it."""

    def __init__(self, streams: Streams, tail: LiveTail, dropped: list[Dropped]) -> None:
        self.streams = streams
        self.tail = tail
        self.dropped = dropped
        self._children: list[subprocess.Popen[bytes]] = []

    def start(self, watcher: WatcherConfig, argv: list[str], wid: int = 1) -> tuple[subprocess.Popen[bytes], Capture]:
        capture = self.streams.open(watcher, wid)
        child = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=capture.stdout_fd,
            stderr=capture.stderr_fd,
            start_new_session=True,
        )
        self._children.append(child)
        capture.attach(child.pid)
        return child, capture

    def python(self, watcher: WatcherConfig, code: str, wid: int = 1) -> tuple[subprocess.Popen[bytes], Capture]:
        return self.start(watcher, [sys.executable, "-S", "-c", code], wid)

    async def finish(self, child: subprocess.Popen[bytes], capture: Capture) -> None:
        await exited(child)
        assert await capture.wait_drained(PATIENCE_S)

    def lines(self, watcher: str) -> list[bytes]:
        return [line.data for _, line in self.tail.snapshot(watcher)]

    def kill_all(self) -> None:
        for child in self._children:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait(PATIENCE_S)


@contextlib.asynccontextmanager
async def rig(**options: Any) -> AsyncIterator[Rig]:
    """A Rig; closed and checked for leaked file descriptors at the end."""
    before = open_fds()
    tail = LiveTail()
    dropped: list[Dropped] = []
    streams = Streams(loop=asyncio.get_running_loop(), tail=tail, on_drop=dropped.append, **options)
    made = Rig(streams, tail, dropped)
    try:
        yield made
    finally:
        made.kill_all()
        await streams.aclose()
    assert open_fds() == before


def open_fds() -> set[str]:
    """What is open in this process; the directory's own descriptor excepted."""
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found.add(f"{entry.name} {entry.readlink()}")
    return {each for each in found if not each.endswith(f"/{os.getpid()}/fd")}


async def until(condition: Callable[[], object], what: str) -> None:
    """Wait, bounded, while the loop runs."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_S
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, f"waited in vain for {what}"
        await asyncio.sleep(0.005)


async def exited(child: subprocess.Popen[bytes]) -> None:
    """Wait, bounded, for the end of a child."""
    await until(lambda: child.poll() is not None, "the end of a child")


def to_file(name: str, path: object, **options: str) -> WatcherConfig:
    """A watcher whose two streams go to one file."""
    stream = StreamConfig("FileStream", {"filename": str(path), **options})
    return WatcherConfig(name=name, stdout_stream=stream, stderr_stream=stream)
