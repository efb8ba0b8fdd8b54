"""One watcher and what works on it: what the parts of a keeper (spawns, signals, ends, ages) share. No decisions."""

from __future__ import annotations

from circus_stack.arbiter.condition import LastEnd
from circus_stack.arbiter.hooks import Hooks
from circus_stack.arbiter.means import Means
from circus_stack.arbiter.process import Process
from circus_stack.arbiter.runs import Runs
from circus_stack.arbiter.watcher import Watcher
from circus_stack.config.schema import WatcherConfig
from circus_stack.events import Event


class Charge:
    """A watcher, its hooks, and the means of its arbiter."""

    def __init__(self, config: WatcherConfig, means: Means) -> None:
        self.watcher = Watcher(config, means.draw)
        self.means = means
        # The last end of a process that nobody had asked for.
        self.last_end: LastEnd | None = None
        self.runs = Runs(config.name, means.publish, means.clock, means.epoch)
        self.hooks = Hooks(self.watcher, means.hooks, means.loop, means.reaper, means.publish, means.epoch)

    @property
    def name(self) -> str:
        return self.watcher.config.name

    @property
    def config(self) -> WatcherConfig:
        return self.watcher.config

    def publish(self, event: Event) -> None:
        """Tell what happened to this watcher."""
        self.means.publish(event)

    def epoch(self) -> float:
        """The time of day, for an event."""
        return self.means.epoch()

    def label(self, process: Process) -> str:
        """How messages name a process."""
        return f"{self.name}.{process.wid} (pid {process.pid})"
