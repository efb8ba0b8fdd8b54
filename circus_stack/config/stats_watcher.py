"""The watcher that runs circusd-stats: a singleton, as Circus lists it. Pure."""

from __future__ import annotations

import shlex
import sys
from pathlib import PurePath

from circus_stack.config.file_paths import beside
from circus_stack.config.schema import CircusConfig, WatcherConfig
from circus_stack.config.values import NOWHERE, ReloadMode

NAME = "circusd-stats"
# As plugins: it comes up before the watchers that it is to see.
_PRIORITY = 1
_PROGRAM = "circus_stack.cli.circusd_stats"


def stats_watcher(circus: CircusConfig, state_dir: PurePath, runtime_dir: PurePath) -> WatcherConfig:
    """The watcher. The endpoints of commands and events must be those that programs of this user reach."""
    words = [sys.executable, "-m", _PROGRAM, "--endpoint", circus.endpoint, "--pubsub", circus.pubsub_endpoint]
    words += ["--statspoint", circus.stats_endpoint, "--query-endpoint", circus.stats_query_endpoint]
    words += ["--interval", f"{circus.stats_interval:g}", "--state-dir", str(state_dir)]
    if circus.keys_dir:
        words += ["--keys-dir", circus.keys_dir, "--runtime-dir", str(runtime_dir)]
    if circus.endpoint_owner:
        words += ["--owner", circus.endpoint_owner]
    if circus.metrics:
        words += ["--metrics", circus.metrics]
    if circus.metrics_token_file:
        where = circus.where.get("metrics_token_file", circus.where.get("", NOWHERE))
        words += ["--metrics-token-file", beside(circus.metrics_token_file, where)]
    level = "debug" if circus.debug else circus.loglevel
    if level != "info":
        words += ["--log-level", level]
    return WatcherConfig(
        name=NAME,
        cmd=shlex.join(words),
        singleton=True,
        priority=_PRIORITY,
        copy_env=True,
        copy_path=True,
        # A reload lets it read the keys again.
        send_hup=True,
        reload_mode=ReloadMode.HUP,
        where=circus.where,
    )
