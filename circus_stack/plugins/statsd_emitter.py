"""The plugin that counts events in statsd, and what all plugins with a statsd client have in common."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from circus_stack.plugins.options import PluginOptions
from circus_stack.plugins.plugin import CircusPlugin
from circus_stack.plugins.statsd_client import StatsdClient

log = logging.getLogger(__name__)


class StatsdEmitter(CircusPlugin):
    """Counts each event as `circus.APP.watcher.WATCHER.EVENT`.

    Options: application_name (app), host (localhost), port (8125), sample_rate (1.0).
    """

    name = "statsd"
    default_app_name = "app"

    def __init__(
        self, endpoint: str, pubsub_endpoint: str, check_delay: float, ssh_server: str | None = None, **config: Any
    ) -> None:
        super().__init__(endpoint, pubsub_endpoint, check_delay, ssh_server, **config)
        self.options = options = PluginOptions(self.name or type(self).__name__, config)
        self.app = options.text("application_name", self.default_app_name)
        self.prefix = f"circus.{self.app}.watcher"
        self.statsd = StatsdClient(
            host=options.text("host", "localhost") or "localhost",
            port=options.whole("port", 8125, least=1, most=65535),
            prefix=self.prefix,
            sample_rate=options.number("sample_rate", 1.0, above=0, most=1),
        )

    def initialize(self) -> None:
        """By now a subclass has read all its options."""
        for warning in self.options.misspelt():
            log.warning("%s", warning)
        super().initialize()

    def handle_recv(self, data: Sequence[bytes]) -> object:
        watcher_name, action, _ = self.split_data(data)
        self.statsd.increment(f"{watcher_name}.{action}")
        return None

    def stop(self) -> None:
        super().stop()
        self.statsd.stop()
