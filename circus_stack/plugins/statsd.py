"""The names that `circus.plugins.statsd` had, for plugins that import them there and for `use = ...`."""

from __future__ import annotations

from circus_stack.plugins.full_stats import FullStats
from circus_stack.plugins.observer import BaseObserver
from circus_stack.plugins.statsd_client import StatsdClient
from circus_stack.plugins.statsd_emitter import StatsdEmitter

__all__ = ["BaseObserver", "FullStats", "StatsdClient", "StatsdEmitter"]
