"""What differs between the kinds of file, decided once: strictness, and the defaults that are not Circus's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from circus_stack.config.schema import SourceKind

# The ports that Circus's clients try when they are told nothing.
_CIRCUS_ENDPOINTS = {
    "endpoint": "tcp://127.0.0.1:5555",
    "pubsub_endpoint": "tcp://127.0.0.1:5556",
    "stats_endpoint": "tcp://127.0.0.1:5557",
}

# `serve` shows what it runs without being told to.
_OWN_CIRCUS = {"statsd": True, "httpd": True}

# A watcher of our own kinds inherits the environment, as a program started by hand does, and is given up after ten
# failures in a minute, so that a broken deployment shows.
_OWN_WATCHER = {"copy_env": True, "max_failures": 10, "failure_window": 60.0}


class Dialect(Struct, frozen=True):
    """`is_strict`: an unknown key of our own sections is a mistake, not a free-form option to be kept."""

    kind: SourceKind
    is_strict: bool
    circus_defaults: Mapping[str, Any] = field(default_factory=dict)
    watcher_defaults: Mapping[str, Any] = field(default_factory=dict)


PASTE = Dialect(SourceKind.PASTE, is_strict=True, circus_defaults=_OWN_CIRCUS, watcher_defaults=_OWN_WATCHER)
APP = Dialect(SourceKind.APP, is_strict=True, circus_defaults=_OWN_CIRCUS, watcher_defaults=_OWN_WATCHER)
CIRCUS = Dialect(SourceKind.CIRCUS, is_strict=False, circus_defaults=_CIRCUS_ENDPOINTS)
