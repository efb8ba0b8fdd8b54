"""The plugin that looks after a web server by a request now and then."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlsplit

from circus_stack.plugins.http_fetch import fetch
from circus_stack.plugins.observer import BaseObserver

log = logging.getLogger(__name__)


class HttpObserver(BaseObserver):
    """Sends how long a request took as `http_stats.request_time`; after a failure, restarts a watcher.

    Options: check_url (http://localhost/), timeout (10 seconds), restart_on_error (a watcher), those of StatsdEmitter,
    loop_rate (60).
    """

    name = "http_observer"
    default_app_name = "http_observer"

    def __init__(self, *args: Any, **config: Any) -> None:
        super().__init__(*args, **config)
        self.check_url = self.options.text("check_url", "http://localhost/") or ""
        self.timeout = self.options.number("timeout", 10.0, above=0)
        self.restart_on_error = self.options.text("restart_on_error")
        # urllib opens files, too.
        parts = urlsplit(self.check_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise self.options.mistake("check_url", "http://HOST:PORT/PATH or https://...")

    async def look_after(self) -> object:
        """One look."""
        answer = await fetch(self.check_url, self.timeout)
        if not answer.is_error:
            self.statsd.timed("http_stats.request_time", int(answer.seconds * 1000))
            return None
        log.warning("%s: %s", self.check_url, answer.reason)
        self.statsd.increment("http_stats.error")
        self.statsd.increment(f"http_stats.error.{answer.status}")
        if self.restart_on_error and self.restart_watcher(self.restart_on_error):
            self.statsd.increment("http_stats.restart_on_error")
        return None
