"""The plugin that ends processes which give no sign of life by UDP any more."""

from __future__ import annotations

import contextlib
import logging
import socket
from collections.abc import Sequence
from typing import Any

from circus_stack.errors import CircusStackError
from circus_stack.plugins.heartbeats import Heartbeats, parse_pid
from circus_stack.plugins.options import PluginOptions
from circus_stack.plugins.periodic import PeriodicCallback
from circus_stack.plugins.plugin import CircusPlugin
from circus_stack.protocol.reply import is_error

log = logging.getLogger(__name__)

# A sign of life is short; a longer datagram is cut here, and is none.
_MAX_DATAGRAM = 1024
# What one turn of the loop reads: a flood must not keep it from the clock and from the events.
_BATCH = 100
# What may wait in the socket's buffer after the loop was held up: read before anybody is judged.
_BACKLOG = 10_000


class WatchDog(CircusPlugin):
    """Ends each process of some watchers from which nothing came for `loop_rate * max_count` seconds.

    A process says `PID;TIMESTAMP` to the UDP port. Options: watchers_regex (`.*`), msg_regex
    (`^(?P<pid>.*);(?P<timestamp>.*)$`), ip (127.0.0.1), port (1664), loop_rate (60), max_count (3),
    watchers_stop_signal and watchers_graceful_timeout (the watcher's own).
    """

    name = "watchdog"

    def __init__(self, *args: Any, **config: Any) -> None:
        super().__init__(*args, **config)
        self.options = options = PluginOptions(self.name, config)
        self.loop_rate = options.number("loop_rate", 60.0, above=0)
        self.max_count = options.whole("max_count", 3, least=1)
        self.watchers_regex = options.pattern("watchers_regex", ".*")
        self.msg_regex = options.pattern("msg_regex", r"^(?P<pid>.*);(?P<timestamp>.*)$", groups=("pid",))
        self.watchdog_ip = options.text("ip", "127.0.0.1") or "127.0.0.1"
        self.watchdog_port = options.whole("port", 1664, most=65535)
        self.stop_signal = options.signal("watchers_stop_signal", None)
        self.graceful_timeout = options.maybe_number("watchers_graceful_timeout")
        self.heartbeats = Heartbeats()

    def handle_init(self) -> object:
        for warning in self.options.misspelt():
            log.warning("%s", warning)
        self.sock = self._bind()
        self.loop.add_handler(self.sock, lambda _fd, _events: self._read(_BATCH), self.loop.READ)
        self.period = PeriodicCallback(self.look_after, self.loop_rate * 1000)
        self.period.start()
        return None

    def _bind(self) -> socket.socket:
        place = f"{self.watchdog_ip}:{self.watchdog_port}"
        try:
            family, *_, address = socket.getaddrinfo(self.watchdog_ip, self.watchdog_port, type=socket.SOCK_DGRAM)[0]
            sock = socket.socket(family, socket.SOCK_DGRAM)
        except OSError as error:
            raise CircusStackError(f"{self.name}: {place}: {error}") from None
        sock.setblocking(False)
        try:
            sock.bind(address)
        except OSError as error:
            # Deaf, it would end every process that it watches.
            sock.close()
            raise CircusStackError(f"{self.name}: UDP {place} cannot be bound: {error.strerror}") from None
        self.watchdog_port = sock.getsockname()[1]
        log.info("listens on UDP %s:%d", self.watchdog_ip, self.watchdog_port)
        return sock

    def handle_stop(self) -> object:
        self.period.stop()
        self.loop.remove_handler(self.sock)
        self.sock.close()
        return None

    # -- who is watched ---------------------------------------------------------------------------------------

    def handle_join(self) -> object:
        """Ask for the processes that run already; what comes later is told by events."""
        found: list[int] = []
        for watcher in self.call("list").get("watchers", []):
            if self.watchers_regex.match(watcher):
                # One that has gone meanwhile is answered with an error, which has no pids.
                for pid in self.call("list", name=watcher).get("pids", []):
                    found.append(pid)
                    self.heartbeats.expect(pid, watcher, self.loop.time())
        self.heartbeats.keep(found)
        log.info("watches %d processes", len(self.heartbeats))
        return None

    def handle_recv(self, data: Sequence[bytes]) -> object:
        topic_name, action, text = self.split_data(data)
        if action not in ("spawn", "reap"):
            return None
        message = self.load_message(text)
        pid, watcher = message.get("process_pid"), message.get("watcher", topic_name)
        if action == "reap":
            self.heartbeats.forget(pid)
        elif self.watchers_regex.match(watcher):
            self.heartbeats.expect(pid, watcher, self.loop.time())
        return None

    # -- signs of life ----------------------------------------------------------------------------------------

    def _read(self, most: int) -> None:
        with contextlib.suppress(BlockingIOError):
            for _ in range(most):
                data = self.sock.recv(_MAX_DATAGRAM + 1)
                pid = parse_pid(self.msg_regex, data) if len(data) <= _MAX_DATAGRAM else None
                if pid is None or not self.heartbeats.beat(pid, self.loop.time()):
                    # Anybody may send anything: at debug level, so that nobody can fill the disk.
                    log.debug("not a sign of life from a process that is watched: %r", data[:80])

    def look_after(self) -> object:
        """End who has been silent for too long."""
        self._read(_BACKLOG)
        for pid, watcher in self.heartbeats.silent_since(self.loop.time() - self.loop_rate * self.max_count):
            log.warning("%s: process %d gives no sign of life: it is ended", watcher, pid)
            reply = self.call("kill", name=watcher, pid=pid, **self._kill_options())
            if is_error(reply):
                log.error("%s: process %d: %s", watcher, pid, reply.get("reason"))
        return None

    def _kill_options(self) -> dict[str, Any]:
        options = {"signum": self.stop_signal, "graceful_timeout": self.graceful_timeout}
        return {name: value for name, value in options.items() if value is not None}
