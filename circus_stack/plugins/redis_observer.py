"""The plugin that looks after a Redis server. Needs the extra `redis`."""

from __future__ import annotations

import logging
from typing import Any

import redis.asyncio
import redis.exceptions

from circus_stack.plugins.observer import BaseObserver

log = logging.getLogger(__name__)


class RedisObserver(BaseObserver):
    """Sends figures of Redis' INFO as gauges `redis_stats.NAME`; without an answer, restarts a watcher.

    Options: redis_url (redis://localhost:6379/0), timeout (5 seconds), restart_on_timeout (a watcher), those of
    StatsdEmitter, loop_rate (60).
    """

    name = "redis_observer"
    default_app_name = "redis_observer"

    OBSERVE = (
        *("blocked_clients", "client_biggest_input_buf", "client_longest_output_list", "connected_clients"),
        *("connected_slaves", "evicted_keys", "expired_keys", "keyspace_hits", "keyspace_misses", "lru_clock"),
        *("mem_fragmentation_ratio", "pubsub_channels", "pubsub_patterns", "total_commands_processed"),
        *("total_connections_received", "uptime_in_seconds", "used_cpu_sys", "used_cpu_sys_children"),
        *("used_cpu_user", "used_memory", "used_memory_peak", "used_memory_rss"),
    )

    def __init__(self, *args: Any, **config: Any) -> None:
        super().__init__(*args, **config)
        self.timeout = self.options.number("timeout", 5.0, above=0)
        self.restart_on_timeout = self.options.text("restart_on_timeout")
        url = self.options.text("redis_url", "redis://localhost:6379/0") or ""
        try:
            self.redis = redis.asyncio.from_url(
                url, socket_timeout=self.timeout, socket_connect_timeout=self.timeout, single_connection_client=False
            )
        except ValueError:
            raise self.options.mistake("redis_url", "redis://HOST:PORT/DB, rediss://... or unix://PATH") from None

    async def look_after(self) -> object:
        """One look."""
        try:
            info = await self.redis.info()
        except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError) as error:
            self._without_answer(error)
            return None
        finally:
            # A look a minute is no reason to hold a connection, nor to leave one behind at the end.
            await self.redis.aclose()
        for key in self.OBSERVE:
            # A newer Redis has dropped some, and named others anew.
            if isinstance(info.get(key), int | float):
                self.statsd.gauge(f"redis_stats.{key}", info[key])
        return None

    def _without_answer(self, error: Exception) -> None:
        log.warning("Redis doesn't answer: %s", error)
        self.statsd.increment("redis_stats.error")
        if self.restart_on_timeout and self.restart_watcher(self.restart_on_timeout):
            self.statsd.increment("redis_stats.restart_on_error")
