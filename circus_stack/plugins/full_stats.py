"""The plugin that sends what the watchers use to statsd."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from circus_stack.plugins.observer import BaseObserver
from circus_stack.plugins.usage import Usage, usages
from circus_stack.protocol.reply import is_error


class FullStats(BaseObserver):
    """Gauges of each watcher but the plugins', as `circus.APP.watcher._stats.WATCHER.NAME`.

    Names: watchers_num (its processes), cpu_max and cpu_sum (percent), mem_pct_max and mem_pct_sum, mem_max and mem_sum
    (bytes). Options: those of StatsdEmitter, loop_rate (60).
    """

    name = "full_stats"

    def look_after(self) -> object:
        reply = self.call("stats")
        if is_error(reply):
            self.statsd.increment("_stats.error")
            return None
        for name, stats in reply["infos"].items():
            if not name.startswith("plugin:"):
                self._send(name, stats)
        return None

    def _send(self, name: str, stats: Mapping[str, Any]) -> None:
        if "spawn_count" in stats:
            self.statsd.gauge(f"_stats.{name}.spawn_count", stats["spawn_count"])
        found = usages(stats)
        self.statsd.gauge(f"_stats.{name}.watchers_num", len(found))
        if not found:
            return
        for gauge, value in _gauges(found).items():
            self.statsd.gauge(f"_stats.{name}.{gauge}", value)


def _gauges(found: list[Usage]) -> dict[str, float]:
    cpu, share, size = ([*column] for column in zip(*((each.cpu, each.mem, each.rss) for each in found), strict=True))
    return {
        "cpu_max": max(cpu),
        "cpu_sum": round(sum(cpu), 3),
        "mem_pct_max": max(share),
        "mem_pct_sum": round(sum(share), 3),
        "mem_max": max(size),
        "mem_sum": sum(size),
    }
