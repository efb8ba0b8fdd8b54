"""An arbiter inside another program: in its main thread, or in a thread beside it.

Everything asked of a running arbiter goes over its own endpoint, so that any thread may ask. It neither ends nor reaps
what the program has started itself.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from circus_stack.api.declaration import declared
from circus_stack.api.embedding import run_stack
from circus_stack.api.exceptions import AlreadyExist
from circus_stack.api.sockets import CircusSocket, CircusSockets
from circus_stack.api.surroundings import refuse_patched, signals_put_back
from circus_stack.api.watcher import Watcher
from circus_stack.client.sync import Client
from circus_stack.config.schema import StackConfig
from circus_stack.errors import CallError, CircusStackError
from circus_stack.protocol.reply import Reply

# An operation may have to wait for a graceful stop, and for processes that come up.
_TIMEOUT_S = 120.0
_numbers = itertools.count(1)


class Arbiter:
    """Watchers and sockets of one program. `options` are those of the section `[circus]`, beside what is named.

    Raises TypeError for an argument that doesn't exist, ValueError for one with a wrong value, ConfigError where they
    contradict each other.
    """

    def __init__(
        self,
        watchers: Iterable[Watcher],
        endpoint: str | None = None,
        pubsub_endpoint: str | None = None,
        check_delay: float = 1.0,
        *,
        sockets: Sequence[CircusSocket | Mapping[str, Any]] | CircusSockets | None = None,
        plugins: Sequence[Mapping[str, Any]] | None = None,
        name: str | None = None,
        proc_name: str = "circusd",
        **options: Any,
    ) -> None:
        self.watchers = list(watchers)
        self.sockets = list(sockets.values() if isinstance(sockets, CircusSockets) else sockets or ())
        self.plugins = list(plugins or ())
        self._options = {
            **options,
            "endpoint": endpoint,
            "pubsub_endpoint": pubsub_endpoint,
            "check_delay": check_delay,
            "name": name or proc_name,
        }
        circus = self._declare().circus
        self.endpoint = circus.endpoint
        self.pubsub_endpoint = circus.pubsub_endpoint
        self.check_delay = circus.check_delay
        self.warmup_delay = circus.warmup_delay
        self.pid = os.getpid()
        self._source = f"api:{os.getpid()}:{next(_numbers)}"
        # Set once commands are answered, and again when nothing is left.
        self._is_answering = threading.Event()
        self._has_ended = threading.Event()
        self._has_ended.set()

    def _declare(self) -> StackConfig:
        configs = [each.config for each in self.watchers]
        return replace(
            declared(self._options, configs, self.sockets, self.plugins, os.environ), source=Path.cwd().as_posix()
        )

    # -- from start to end ------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether it runs and answers."""
        return self._is_answering.is_set() and not self._has_ended.is_set()

    def start(self, cb: Callable[[None], None] | None = None) -> None:
        """Run until `stop`, a signal or a client asks for the end; `cb(None)` is called when everything is up.

        Signals are answered as circusd does, where this is the program's main thread; its own handlers are put back at
        the end. Raises CircusStackError where it can't start: an endpoint or a socket is taken, a command is missing.
        """
        refuse_patched()
        with self._runs(), signals_put_back():
            run_stack(
                self._declare,
                self._source,
                is_embedded=True,
                on_bound=self._bound,
                # Circus hands in a future, which nobody looks at.
                on_up=lambda: cb(None) if cb is not None else None,
            )

    @contextlib.contextmanager
    def _runs(self) -> Iterator[None]:
        """From the start to the end, whatever the end is. Raises CircusStackError where it runs already."""
        if not self._has_ended.is_set():
            raise CircusStackError("the arbiter runs already")
        self._has_ended.clear()
        try:
            yield
        finally:
            self._is_answering.clear()
            for watcher in self.watchers:
                watcher.attach(None)
            self._has_ended.set()

    def _bound(self, endpoint: str, pubsub_endpoint: str) -> None:
        """Commands are answered there."""
        self.endpoint, self.pubsub_endpoint = endpoint, pubsub_endpoint
        for watcher in self.watchers:
            watcher.attach(self._ask)
        self._is_answering.set()

    def stop(self) -> None:
        """Let `start` return, with everything stopped. From another thread or a callback; safe to call twice."""
        if self.running:
            self._ask("quit")

    # -- questions and commands -------------------------------------------------------------------------------

    def get_watcher(self, name: str) -> Watcher:
        """The watcher of that name, in any case. Raises KeyError."""
        found = next((each for each in self.watchers if each.name.lower() == name.lower()), None)
        if found is None:
            raise KeyError(name)
        return found

    def get_socket(self, name: str) -> CircusSocket | Mapping[str, Any] | None:
        """The socket of that name as it was declared, or None."""
        named = ((each["name"] if isinstance(each, Mapping) else each.name, each) for each in self.sockets)
        return next((each for found, each in named if found == name.lower()), None)

    def iter_watchers(self, reverse: bool = True) -> list[Watcher]:
        """The watchers by priority, the highest first."""
        return sorted(self.watchers, key=lambda each: each.config.priority, reverse=reverse)

    def statuses(self) -> dict[str, str]:
        """The state of each watcher; stopped, all of them, without a running arbiter."""
        if not self.running:
            return {each.name: "stopped" for each in self.watchers}
        return dict(self._ask("status")["statuses"])

    def numprocesses(self) -> int:
        """How many processes run."""
        return int(self._ask("numprocesses")["numprocesses"]) if self.running else 0

    def numwatchers(self) -> int:
        """How many watchers there are."""
        return int(self._ask("numwatchers")["numwatchers"]) if self.running else len(self.watchers)

    def add_watcher(self, name: str, cmd: str, *, start: bool = False, **options: Any) -> Watcher:
        """One watcher more; `start` starts it in a running arbiter. Raises ValueError for a wrong option, CommandError
        where the name is taken."""
        watcher = Watcher(name, cmd, **options)
        if self.running:
            self._ask("add", name=name, cmd=cmd, options=watcher.given, start=start)
            watcher.attach(self._ask)
        elif any(each.name.lower() == name.lower() for each in self.watchers):
            raise AlreadyExist(f"a watcher called {name!r} exists already")
        self.watchers.append(watcher)
        return watcher

    def rm_watcher(self, name: str, nostop: bool = False) -> None:
        """One watcher less; `nostop` leaves its processes alone. Raises KeyError."""
        watcher = self.get_watcher(name)
        if self.running:
            self._ask("rm", name=watcher.name, nostop=nostop, waiting=True)
        self.watchers.remove(watcher)
        watcher.attach(None)

    def start_watchers(self) -> None:
        """Start all that start by themselves; returns when they are up."""
        self._ask("start", waiting=True)

    def stop_watchers(self) -> None:
        """Stop all; the arbiter goes on."""
        self._ask("stop", waiting=True)

    def reload(self, graceful: bool = True, sequential: bool = False) -> None:
        """Let new processes take over from the old ones, in all watchers."""
        self._ask("reload", graceful=graceful, sequential=sequential, waiting=True)

    def restart(self) -> None:
        """Stop all watchers, then start them."""
        self._ask("restart", waiting=True)

    def _ask(self, command: str, **properties: Any) -> Reply:
        """A command to this very arbiter. Raises CommandError for an error, CallError without an answer."""
        if not self.running:
            raise CallError(f"{command}: the arbiter does not run")
        with Client(self.endpoint, timeout_s=_TIMEOUT_S) as client:
            return client.call(command, **properties)


class ThreadedArbiter(Arbiter):
    """An arbiter in a thread: `start` returns when it answers commands, or raises what `Arbiter.start` does.

    It answers no signals. The thread is no daemon thread unless `daemon` is set before: a program that ends without
    `stop` waits for it.
    """

    daemon = False
    _thread: threading.Thread | None = None

    def start(self, cb: Callable[[None], None] | None = None) -> None:
        failures: list[BaseException] = []

        def run() -> None:
            try:
                Arbiter.start(self, cb)
            except BaseException as error:
                failures.append(error)
                settled.set()

        settled = self._is_answering
        self._thread = threading.Thread(target=run, name="circus arbiter", daemon=self.daemon)
        self._thread.start()
        settled.wait()
        if failures:
            self._thread.join()
            self._is_answering.clear()
            raise failures[0]

    def stop(self) -> None:
        super().stop()
        if threading.current_thread() is not self._thread:
            self.join()

    def join(self, timeout: float | None = None) -> None:
        """Wait for the end of the thread."""
        if self._thread is not None:
            self._thread.join(timeout)

    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()
