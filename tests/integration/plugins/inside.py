"""An arbiter and plugins in threads of the test's own process: real processes, sockets and messages, no start of an
interpreter for each."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from circus_stack.api import get_arbiter
from circus_stack.api.arbiter import ThreadedArbiter
from circus_stack.client.sync import Client
from circus_stack.plugins import CircusPlugin
from tests.support.waiting import PATIENCE_S, wait_until


class Lines(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())

    def wait(self, text: str) -> str:
        """The first line with a text."""
        return wait_until(
            lambda: next((line for line in list(self.lines) if text in line), None),
            f"{text!r} in the log",
            detail=lambda: "\n".join(self.lines),
        )


class Inside:
    """One arbiter, and the plugins beside it."""

    def __init__(self, base: Path, log: Lines) -> None:
        self.log = log
        self.endpoint, self.pubsub = f"ipc://{base}/c", f"ipc://{base}/p"
        self._arbiter: ThreadedArbiter | None = None
        self._plugins: list[tuple[CircusPlugin, threading.Thread]] = []

    def start(self, *watchers: dict[str, Any]) -> None:
        """The arbiter, with every watcher up."""
        arbiter = get_arbiter(watchers, self.endpoint, self.pubsub, background=True, check_delay=0.1)
        assert isinstance(arbiter, ThreadedArbiter)
        self._arbiter = arbiter
        arbiter.start()
        wait_until(lambda: set(arbiter.statuses().values()) == {"active"}, "the watchers", detail=arbiter.statuses)

    def plugin(self, factory: type[CircusPlugin], config: dict[str, object] | None = None) -> CircusPlugin:
        """A plugin whose subscription stands when this returns; its options are text, as a file has them."""
        joined = threading.Event()

        class Told(factory):  # type: ignore[misc, valid-type]
            def handle_join(self) -> object:
                result = super().handle_join()
                joined.set()
                return result

        texts = {key: str(value) for key, value in (config or {}).items()}
        made: CircusPlugin = Told(self.endpoint, self.pubsub, 5.0, None, **texts)
        thread = threading.Thread(target=made.start)
        self._plugins.append((made, thread))
        thread.start()
        assert joined.wait(PATIENCE_S), self.log.lines
        return made

    def call(self, command: str, **properties: Any) -> Any:
        """A command; CommandError for an error reply."""
        with Client(self.endpoint, timeout_s=PATIENCE_S) as client:
            return client.call(command, **properties)

    def status(self, watcher: str = "job") -> str:
        return str(self.call("status", name=watcher)["status"])

    def pids(self, watcher: str = "job") -> list[int]:
        return sorted(self.call("list", name=watcher)["pids"])

    def wait_other(self, than: Sequence[int], watcher: str = "job") -> list[int]:
        """The pids once there are as many as before, and none of those."""
        return wait_until(
            lambda: pids if len(pids := self.pids(watcher)) == len(than) and not set(pids) & set(than) else None,
            f"other processes of {watcher} than {than}",
            detail=lambda: "\n".join(self.log.lines),
        )

    def stop(self) -> None:
        """The plugins first: they would steer an arbiter that ends."""
        for plugin, thread in self._plugins:
            plugin.request_stop()
            thread.join(PATIENCE_S)
            plugin.stop()
            assert not thread.is_alive()
        if self._arbiter is not None:
            self._arbiter.stop()
