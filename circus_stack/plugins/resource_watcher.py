"""The plugin that restarts a watcher whose processes use too much, or too little."""

from __future__ import annotations

import logging
import signal
from collections.abc import Mapping
from typing import Any

from circus_stack.plugins.limits import Limits, Strikes
from circus_stack.plugins.observer import BaseObserver
from circus_stack.plugins.options import PluginConfigError, PluginOptions
from circus_stack.plugins.usage import children_of, usages
from circus_stack.protocol.reply import is_error

log = logging.getLogger(__name__)

DEFAULT_MAX_CPU = DEFAULT_MAX_MEM = 90.0
DEFAULT_HEALTH = 75.0


class ResourceWatcher(BaseObserver):
    """Looks at a watcher every `loop_rate` seconds; restarts it after more than `max_count` bad looks in a row.

    Options: watcher (or service, its older name), max_cpu (90 percent; 0: no limit), min_cpu, max_mem (90 percent, or
    bytes as in 300M), min_mem, health_threshold (75 percent of cpu and memory together; 0: none), max_count (3),
    process_children (no), child_signal (TERM), those of StatsdEmitter, loop_rate (60). With process_children, a child
    beyond the limits gets child_signal, and the watcher goes on. What somebody has stopped stays stopped.
    """

    name = "resource_watcher"

    def __init__(self, *args: Any, **config: Any) -> None:
        super().__init__(*args, **config)
        options = self.options
        self.watcher = options.text("watcher") or options.text("service")
        if not self.watcher:
            raise PluginConfigError(f"{self.name}: watcher: is not set; legal: the name of the watcher to look after")
        self.limits = _read_limits(options)
        self.max_count = options.whole("max_count", 3)
        self.process_children = options.flag("process_children", False)
        self.child_signal = options.signal("child_signal", int(signal.SIGTERM))
        self.strikes = Strikes(self.max_count)

    def look_after(self) -> object:
        """One look."""
        reply = self.call("stats", name=self.watcher)
        if is_error(reply):
            log.warning("%s: %s", self.watcher, reply.get("reason"))
            self._count("error")
            return None
        stats = reply["info"]
        if self._is_beyond(None, self.limits.broken(usages(stats))):
            log.warning("%s has been beyond its limits too often: it is restarted", self.watcher)
            self._count("restarting")
            self.restart_watcher(str(self.watcher))
        elif self.process_children:
            self._look_after_children(stats)
        return None

    def _look_after_children(self, stats: Mapping[str, Any]) -> None:
        children = list(children_of(stats))
        self.strikes.keep(child.pid for _, child in children)
        for parent, child in children:
            if self._is_beyond(child.pid, self.limits.broken([child])):
                log.warning("%s: child %d has been beyond its limits too often: it is told", self.watcher, child.pid)
                self._count("restarting")
                self._signal(parent, child.pid)

    def _signal(self, parent: int, child: int) -> None:
        reply = self.call("signal", name=self.watcher, pid=parent, childpid=child, signum=self.child_signal)
        if is_error(reply):
            log.error("%s: child %d: %s", self.watcher, child, reply.get("reason"))

    def _is_beyond(self, who: int | None, broken: tuple[str, ...]) -> bool:
        for limit in broken:
            self._count(limit)
        return self.strikes.count(who, broken)

    def _count(self, what: str) -> None:
        self.statsd.increment(f"_resource_watcher.{self.watcher}.{what}")


def _read_limits(options: PluginOptions) -> Limits:
    max_mem, max_rss = options.share_or_bytes("max_mem")
    min_mem, min_rss = options.share_or_bytes("min_mem")
    if max_mem is None and max_rss is None:
        max_mem = DEFAULT_MAX_MEM
    return Limits(
        max_cpu=options.number("max_cpu", DEFAULT_MAX_CPU) or None,
        min_cpu=options.maybe_number("min_cpu"),
        max_mem=max_mem,
        max_rss=max_rss,
        min_mem=min_mem,
        min_rss=min_rss,
        health=options.number("health_threshold", DEFAULT_HEALTH) or None,
    )
