"""A browser's live connection to a console, by websocket or by polling alone, and what it was told."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import requests
import socketio

from tests.integration.web.console import Console
from tests.support.waiting import PATIENCE_S, wait_until


class Listener:
    """A browser's connection: what was told, by name. It reaches the console at `port`, `below` a path, where a proxy
    is in between."""

    def __init__(
        self,
        console: Console,
        headers: dict[str, str],
        transports: list[str],
        *,
        port: int | None = None,
        below: str = "",
    ) -> None:
        self.told: dict[str, list[Any]] = {}
        self._lock = threading.Lock()
        # The client writes a Host of its own, and two of them are one too many.
        headers = {name: value for name, value in headers.items() if name != "Host"}
        self.http = requests.Session()
        self.http.headers.update(headers)
        # What its threads have to say when a connection ends comes when nobody listens any more.
        quiet = logging.getLogger("tests.socketio")
        quiet.setLevel(logging.CRITICAL + 1)
        self.client = socketio.Client(
            http_session=self.http,
            reconnection=False,
            logger=quiet,
            engineio_logger=quiet,
            # The library has an Origin of its own, of the address that it connects to.
            websocket_extra_options={"suppress_origin": "Origin" in headers},
        )
        for name in ("hello", "state", "stats", "processes", "event", "events", "missing", "logs", "late"):
            self.client.on(name, self._taker(name))
        self.client.connect(
            f"http://127.0.0.1:{port or console.port}",
            headers=headers,
            transports=transports,
            wait_timeout=PATIENCE_S,
            socketio_path=f"{below}/socket.io".strip("/"),
        )

    def _taker(self, name: str) -> Callable[[Any], None]:
        def take(data: Any) -> None:
            with self._lock:
                self.told.setdefault(name, []).append(data)

        return take

    def heard(self, name: str) -> list[Any]:
        with self._lock:
            return list(self.told.get(name, []))

    def forget(self, name: str) -> None:
        """What was told under a name counts no more."""
        with self._lock:
            self.told.pop(name, None)

    def follow(self, **wanted: Any) -> Any:
        return self.client.call("follow", wanted, timeout=PATIENCE_S)

    def wait(self, name: str, judge: Callable[[Any], Any], what: str) -> Any:
        """The first that was told under a name and fits."""
        return wait_until(
            lambda: next((each for each in self.heard(name) if judge(each)), None), what, detail=lambda: self.told
        )

    def lines(self) -> list[str]:
        """In their order, each once: the last lines and those that follow may overlap."""
        rows = {row[0]: row[-1] for each in self.heard("logs") for row in each["lines"]}
        return [text for _, text in sorted(rows.items())]
