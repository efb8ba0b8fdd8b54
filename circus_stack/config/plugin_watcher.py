"""The watcher that runs a plugin: a singleton whose command is `circus-plugin` with its configuration. Pure."""

from __future__ import annotations

import shlex
import sys
from typing import Any

from circus_stack.config.plugin_section import PREFIX, SEPARATOR, resolve_use
from circus_stack.config.schema import CircusConfig, PluginConfig, WatcherConfig
from circus_stack.literals import parse_bool

# As Circus has it: a plugin comes up before the watchers that it is to see.
_PRIORITY = 1
_PROGRAM = "circus_stack.cli.circus_plugin"
_CHECK_DELAY_S = 5.0


def plugin_watcher(plugin: PluginConfig, circus: CircusConfig) -> WatcherConfig:
    """The watcher `plugin:NAME`. The endpoints of `circus` must be those that clients reach by now."""
    values: dict[str, Any] = {
        "priority": _PRIORITY,
        # Its module may stand on the path of whoever started the arbiter.
        "copy_env": True,
        "copy_path": True,
        "autostart": _is_active(plugin),
        **plugin.watcher,
    }
    if not values["copy_env"]:
        values["copy_path"] = bool(plugin.watcher.get("copy_path"))
    return WatcherConfig(
        name=PREFIX + plugin.name,
        cmd=_command(plugin, circus),
        singleton=True,
        where=plugin.where,
        **values,
    )


def _is_active(plugin: PluginConfig) -> bool:
    """Circus's own key of every plugin; the plugin itself says what is wrong with a value that is no boolean."""
    try:
        return parse_bool(plugin.options.get("active", "yes"))
    except ValueError:
        return True


def _command(plugin: PluginConfig, circus: CircusConfig) -> str:
    words = [sys.executable, "-m", _PROGRAM, "--endpoint", circus.endpoint, "--pubsub", circus.pubsub_endpoint]
    if circus.check_delay != _CHECK_DELAY_S:
        words += ["--check-delay", f"{circus.check_delay:g}"]
    level = "debug" if circus.debug else circus.loglevel
    if level != "info":
        words += ["--log-level", level]
    config = SEPARATOR.join(f"{key}:{value}" for key, value in plugin.options.items())
    if config:
        words += ["--config", config]
    return shlex.join([*words, resolve_use(plugin.use)])
