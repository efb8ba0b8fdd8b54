"""Control on real sockets, in a loop of its own thread, steering a recording arbiter. All is closed at the end."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import zmq

from circus_stack.client.sync import Client
from circus_stack.control.desk import Offices
from circus_stack.control.log_publisher import LogPublisher
from circus_stack.control.publisher import Publisher
from circus_stack.control.server import ControlServer
from circus_stack.streams.tail import LiveTail
from tests.support.fake_arbiter import FakeArbiter
from tests.support.waiting import PATIENCE_S

T = TypeVar("T")


@contextlib.contextmanager
def short_directory() -> Iterator[Path]:
    """A directory whose path leaves room for a socket's name: pytest's own may be too long for one."""
    path = Path(tempfile.mkdtemp(prefix="cs-"))
    try:
        yield path
    finally:
        shutil.rmtree(path)


class Served:
    """A control server, its publishers and its live tail."""

    def __init__(self, directory: Path, arbiter: FakeArbiter, endpoint: str | None = None) -> None:
        self.arbiter = arbiter
        self.tail = LiveTail()
        self.plans: list[tuple[bool, bool]] = []
        self._directory = directory
        self._wanted_endpoint = endpoint or f"ipc://{directory}/control"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="served")
        self._context: zmq.Context[Any] = zmq.Context()

    def run(self, function: Callable[[], T]) -> T:
        """Call a function in the loop's thread and give its result."""

        async def call() -> T:
            return function()

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(PATIENCE_S)

    def start(self) -> None:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(PATIENCE_S)

    async def _start(self) -> None:
        self.publisher = Publisher(endpoint=f"ipc://{self._directory}/events", context=self._context)
        self.logs = LogPublisher(self.tail, endpoint=f"ipc://{self._directory}/logs", context=self._context)
        self.server = ControlServer(
            self.arbiter,
            endpoint=self._wanted_endpoint,
            context=self._context,
            tail=self.tail,
            reconfigure=self._reconfigure,
            offices=Offices(
                global_options=lambda: {
                    "pubsub_endpoint": self.publisher.endpoint,
                    "logs_endpoint": self.logs.endpoint,
                },
                labels=lambda name: {"backend": "gevent"} if name == "web" else {},
                seq=lambda: self.publisher.seq,
            ),
        )
        await self.server.start()

    async def _reconfigure(self, *, roll: bool, dry_run: bool) -> tuple[str, ...]:
        self.plans.append((roll, dry_run))
        return ("one change",)

    @property
    def endpoint(self) -> str:
        return self.server.endpoint

    @property
    def thread_id(self) -> int:
        """The kernel's id of the loop's thread."""
        return self.run(threading.get_native_id)

    def client(self, timeout_s: float = PATIENCE_S) -> Client:
        return Client(self.endpoint, timeout_s=timeout_s)

    def close_server(self) -> None:
        asyncio.run_coroutine_threadsafe(self.server.aclose(), self._loop).result(PATIENCE_S)

    def close(self) -> None:
        self.close_server()
        self.run(self.publisher.close)
        self.run(self.logs.close)
        asyncio.run_coroutine_threadsafe(_end_tasks(), self._loop).result(PATIENCE_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_S)
        self._loop.close()
        self._context.term()


async def _end_tasks() -> None:
    """What a test has left running must not be complained of in another one's log, when it is thrown away there."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.contextmanager
def served(arbiter: FakeArbiter | None = None, endpoint: str | None = None) -> Iterator[Served]:
    """A running control for the length of a `with` block."""
    with short_directory() as directory:
        found = Served(directory, arbiter or FakeArbiter(), endpoint)
        try:
            found.start()
            yield found
        finally:
            found.close()
