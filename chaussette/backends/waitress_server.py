"""waitress, driven by a loop of our own, so that no request is lost at stop. Imported only once waitress is there.

Its own `run()` gives the threads 5 seconds at the end, cancels what is queued and never flushes what they wrote.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any
from wsgiref.util import FileWrapper

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer, create_server
from waitress.task import ThreadedTaskDispatcher, WSGITask

from chaussette.environ import UNIX_REMOTE_ADDR
from chaussette.idle import end_reading
from chaussette.lifecycle import Lifecycle
from chaussette.sockets import Listener

# waitress closes silent connections in a sweep that its loop makes about once a second.
ROUND_S = 1.0
DRAIN_ROUND_S = 0.05
# After the last response the threads have nothing to do: this only bounds a surprise.
THREADS_END_S = 1


class Task(WSGITask):  # type: ignore[misc]  # waitress is not typed here
    """waitress' task, with our constant environ, no body for HEAD, and a last response that says close."""

    def get_environment(self) -> dict[str, Any]:
        """The environ of the request; made once."""
        if self.environ is None:
            environ = super().get_environment()
            server = self.channel.server
            environ.update(server.constant_environ)
            if server.is_unix:
                environ["REMOTE_ADDR"] = UNIX_REMOTE_ADDR
                del environ["REMOTE_HOST"], environ["REMOTE_PORT"]
            if environ["REQUEST_METHOD"] == "HEAD":
                # waitress' own wrapper would send the file's content.
                environ["wsgi.file_wrapper"] = FileWrapper
        made: dict[str, Any] = self.environ
        return made

    def build_response_header(self) -> bytes:
        """The head of the response; while stopping, the request is taken as one that asked for a close."""
        if self.channel.server.is_stopping:
            self.request.headers["CONNECTION"] = "close"
        head: bytes = super().build_response_header()
        return head

    def write(self, data: bytes) -> None:
        """Send `data`; of a HEAD only the head."""
        super().write(b"" if self.request.command == "HEAD" else data)

    def finish(self) -> None:
        """End the response; a HEAD has no last chunk."""
        if self.request.command == "HEAD":
            self.write(b"") if not self.wrote_header else None
            self.chunked_response = False
        super().finish()


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection whose requests are run by `Task`."""

    task_class = Task

    def __init__(self, server: Any, *args: Any, **more: Any) -> None:
        super().__init__(server, *args, **more)
        server.accepted_one()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being received, run or sent."""
        return not self.requests and self.request is None and not self.total_outbufs_len


class Servers:
    """One waitress server a listener, one set of threads, one loop."""

    def __init__(
        self,
        app: Any,
        listeners: Sequence[Listener],
        environs: Sequence[dict[str, object]],
        threads: int,
        server_header: str,
    ) -> None:
        quieten_queue_log()
        self._map: dict[int, Any] = {}
        self._listeners = listeners
        self._dispatcher = ThreadedTaskDispatcher()
        self._dispatcher.set_thread_count(threads)
        self._servers = [
            self._make(app, listener, environ, server_header)
            for listener, environ in zip(listeners, environs, strict=True)
        ]

    def run(self, lifecycle: Lifecycle, status: str) -> None:
        """Serve, drain, return."""
        for server in self._servers:
            # `accepted` is asyncore's.
            server.accepted_one = lifecycle.accepted
            server.accepting = True
        lifecycle.ready(self._servers[0].pull_trigger, self.in_flight, status)
        while not lifecycle.should_stop:
            self._round(lifecycle, ROUND_S)
        self._stop_accepting()
        self._drain(lifecycle)
        self._dispatcher.shutdown(timeout=THREADS_END_S)

    def in_flight(self) -> int:
        """Connections that are receiving, running or sending something."""
        return sum(not channel.is_idle for channel in self._channels())

    def _make(self, app: Any, listener: Listener, environ: dict[str, object], server_header: str) -> Any:
        """A server on `listener` that does not accept yet, and does not call listen() again."""
        before = set(self._map)
        create_server(
            app, map=self._map, _start=False, _dispatcher=self._dispatcher, sockets=[listener.sock],
            ident=server_header, asyncore_use_poll=True, clear_untrusted_proxy_headers=False,
        )  # fmt: skip
        made = [each for fd, each in self._map.items() if fd not in before and isinstance(each, BaseWSGIServer)]
        server = made[0]
        server.channel_class = Channel
        server.constant_environ = environ
        server.is_unix = not isinstance(listener.sock.getsockname(), tuple)
        server.is_stopping = False
        return server

    def _channels(self) -> list[Channel]:
        return [channel for server in self._servers for channel in list(server.active_channels.values())]

    def _round(self, lifecycle: Lifecycle, timeout_s: float) -> None:
        due = lifecycle.beat_due_in_s()
        wasyncore.loop(timeout=timeout_s if due is None else min(due, timeout_s), use_poll=True, map=self._map, count=1)
        lifecycle.beat_if_due()

    def _stop_accepting(self) -> None:
        """Close the listeners, after taking what waits in the accept queue of a socket that only we serve."""
        for server, listener in zip(self._servers, self._listeners, strict=True):
            server.is_stopping = True
            if listener.is_queue_ours:
                take_queue(server)
            server.accepting = False
            server.del_channel()
            server.socket.close()

    def _drain(self, lifecycle: Lifecycle) -> None:
        """Turn the loop until every channel is gone; the idle ones go once they have had their time."""
        while channels := self._channels():
            left_s = lifecycle.drain_left_s()
            if not left_s:
                for channel in channels:
                    if channel.is_idle and channel.connected:
                        end_reading(channel.socket.fileno())
            self._round(lifecycle, left_s or DRAIN_ROUND_S)


def quieten_queue_log() -> None:
    """waitress warns at each request that waits for a thread: a line a request, under load. A set level stays."""
    queue_log = logging.getLogger("waitress.queue")
    if queue_log.level == logging.NOTSET:
        queue_log.setLevel(logging.ERROR)


def take_queue(server: Any, most: int = 4096) -> None:
    """Accept what the kernel has queued."""
    for _ in range(most):
        before = len(server.active_channels)
        server.handle_accept()
        if len(server.active_channels) == before:
            return
