"""The gates of watchers with more workers than can do with watching their sockets: which of these do at a time.

The gate itself is handed in: how its seats change hands is its own affair.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from circus_stack.config.chaussette_command import backend_of
from circus_stack.config.schema import WatcherConfig

log = logging.getLogger(__name__)

# The backends whose workers know what a gate is.
_KNOWING = frozenset({"gevent", "fastgevent"})


class Gate(Protocol):
    """The owner's view of a gate."""

    page_fd: int
    alarm_fd: int

    def vacate(self, pid: int) -> None:
        """That worker has ended."""

    def close(self) -> None:
        """No more workers are started behind it."""


def _no_gate(_name: str, _seats: int) -> Gate:
    raise OSError("there are no gates")


class Gates:
    """One a watcher with more than `seats` workers, made by `make(name, seats)`; no gate where `seats` is 0."""

    def __init__(self, seats: int = 0, make: Callable[[str, int], Gate] = _no_gate) -> None:
        self._seats = seats
        self._make = make
        self._gates: dict[str, Gate] = {}

    def fds(self, config: WatcherConfig) -> tuple[int, int] | None:
        """The descriptors that a process of that watcher is to inherit; None where it needs no gate."""
        found = self._gates.get(config.name)
        if found is None and self._is_wanted(config):
            try:
                found = self._gates[config.name] = self._make(config.name, self._seats)
            except OSError as error:
                log.warning("%s: all %d workers watch their sockets: %s", config.name, config.most_processes, error)
        return None if found is None else (found.page_fd, found.alarm_fd)

    def left(self, name: str, pid: int) -> None:
        """A process of that watcher was reaped."""
        if name in self._gates:
            self._gates[name].vacate(pid)

    def forget(self, name: str) -> None:
        """The watcher is gone."""
        if name in self._gates:
            self._gates.pop(name).close()

    def close(self) -> None:
        """Of all watchers."""
        for name in list(self._gates):
            self.forget(name)

    def _is_wanted(self, config: WatcherConfig) -> bool:
        if not self._seats or config.most_processes <= self._seats or not config.use_sockets:
            return False
        return backend_of(f"{config.cmd} {config.args}") in _KNOWING
