"""The section `[plugin:NAME]`: the class that is meant, its own options, and any option of a watcher. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from circus_stack.config.document import Entry, Section
from circus_stack.config.option import spellings
from circus_stack.config.problems import nearest
from circus_stack.config.schema import PluginConfig, WatcherConfig
from circus_stack.config.watcher_section import Scope, convert_watcher

PREFIX = "plugin:"
# Between two options on the command line of circus-plugin, and so in none of them.
SEPARATOR = ":::"

_CIRCUS, _OURS = "circus.plugins.", "circus_stack.plugins."
# What is shipped under Circus's names: `circus.plugins.` and one of these.
_SHIPPED = (
    "autoscaler.Autoscaler",
    "command_reloader.CommandReloader",
    "flapping.Flapping",
    "http_observer.HttpObserver",
    "redis_observer.RedisObserver",
    "resource_watcher.ResourceWatcher",
    "statsd.FullStats",
    "statsd.StatsdEmitter",
    "watchdog.WatchDog",
)
_DOTTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+")
# A plugin runs by the command that the arbiter makes; what is named so is the plugin's own.
NOT_THE_WATCHERS = frozenset({"cmd", "args", "shell", "shell_args", "numprocesses", "singleton"})


def resolve_use(use: str) -> str:
    """The dotted name of the class, with ours in place of Circus's own."""
    return _OURS + use.removeprefix(_CIRCUS) if use.startswith(_CIRCUS) else use


def read_plugin(section: Section, scope: Scope) -> PluginConfig:
    """One plugin. As in Circus, its configuration is all of the section but `use`, options of the watcher included."""
    own: dict[str, str] = {}
    expanded = scope.expand(section, PREFIX + section.name)
    use = expanded.find("use")
    watcher_keys = spellings(WatcherConfig).keys() - NOT_THE_WATCHERS
    watchers = []
    for entry in expanded.entries:
        if entry is use:
            continue
        if entry.key in watcher_keys:
            own[entry.key] = entry.value
        if entry.key not in NOT_THE_WATCHERS:
            watchers.append(entry)
        else:
            own[entry.key] = entry.value

    def take_own(entry: Entry) -> None:
        own[entry.key] = entry.value

    remainder = Section(section.title, section.where, tuple(watchers))
    converted = convert_watcher(remainder, PREFIX + section.name, scope, take_rest=take_own)
    _check_use(section, use, scope)
    _check_separator(expanded, own, scope)
    ordered = {entry.key: own[entry.key] for entry in expanded.entries if entry.key in own}
    return PluginConfig(
        name=section.name,
        use=use.value.strip() if use is not None else "",
        options=ordered,
        watcher=converted.values,
        where={
            "": section.where,
            **{entry.key: entry.where for entry in expanded.entries},
            **converted.where,
        },
    )


def _check_use(section: Section, use: Entry | None, scope: Scope) -> None:
    legal = "the dotted name of a class: circus.plugins.flapping.Flapping, or one of your own"
    if use is None or not use.value.strip():
        where = use.where if use is not None else section.where
        scope.problems.add("names no class", where, section=section.title, option="use", legal=legal)
        return
    name = use.value.strip()
    if _DOTTED.fullmatch(name) is None:
        scope.problems.add("is no class", use.where, section=section.title, option="use", found=name, legal=legal)
        return
    for prefix in (_CIRCUS, _OURS):
        rest = name.removeprefix(prefix)
        if rest != name and rest not in _SHIPPED and rest.count(".") == 1:
            near = nearest(rest, _SHIPPED)
            scope.problems.add(
                "there is no such plugin among those that come with it",
                use.where,
                section=section.title,
                option="use",
                found=name,
                legal=", ".join(_SHIPPED),
                nearest=prefix + near if near else "",
            )


def _check_separator(section: Section, own: Mapping[str, str], scope: Scope) -> None:
    for entry in section.entries:
        if entry.key in own and (SEPARATOR in entry.value or SEPARATOR in entry.key):
            scope.problems.add(
                f"holds {SEPARATOR}, which ends an option on the command line of circus-plugin",
                entry.where,
                section=section.title,
                option=entry.key,
                legal=f"text without {SEPARATOR}",
            )
