"""From what an embedding program says to the configuration of a stack, checked as that of a file is."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from circus_stack.api.sockets import CircusSocket
from circus_stack.config.autoscaling import with_autoscaler
from circus_stack.config.check_stack import check_stack
from circus_stack.config.dialect import CIRCUS
from circus_stack.config.document import Entry, Section
from circus_stack.config.environment import read_environment
from circus_stack.config.option import spellings
from circus_stack.config.plugin_section import read_plugin
from circus_stack.config.problems import Problems
from circus_stack.config.schema import CircusConfig, PluginConfig, SocketConfig, StackConfig, WatcherConfig
from circus_stack.config.values import NOWHERE
from circus_stack.config.watcher_section import Scope

log = logging.getLogger(__name__)

# What Circus's constructors take and what means nothing here, with the reason.
_WITHOUT_EFFECT = {
    "context": "the arbiter has a ZeroMQ context of its own",
    "loop": "the arbiter has an event loop of its own",
    "prereload_fn": "write a hook",
    "ssh_server": "clients open the tunnel: circusctl --ssh",
    "statsd_close_outputs": "it never worked",
    "httpd_close_outputs": "it never worked",
}
_HARMLESS = {"stream_backend"}


def declared(
    options: Mapping[str, Any],
    watchers: Iterable[WatcherConfig],
    sockets: Sequence[CircusSocket | Mapping[str, Any]],
    plugins: Sequence[Mapping[str, Any]],
    environ: Mapping[str, str],
) -> StackConfig:
    """The whole stack. Raises ConfigError with every mistake, and ValueError or TypeError for a wrong argument."""
    problems = Problems()
    scope = Scope(CIRCUS, environ, read_environment((), environ), problems)
    stack = StackConfig(
        source="",
        kind=CIRCUS.kind,
        circus=_circus(options),
        sockets=tuple(_socket(each) for each in sockets),
        watchers=tuple(watchers),
        plugins=tuple(_plugin(each, scope) for each in plugins),
    )
    stack = with_autoscaler(stack, problems, is_stats_off=False)
    check_stack(stack, problems)
    problems.raise_mistakes()
    for warning in problems.warnings:
        log.warning("%s", warning)
    return stack


def _circus(options: Mapping[str, Any]) -> CircusConfig:
    known = spellings(CircusConfig)
    values: dict[str, Any] = {**CIRCUS.circus_defaults}
    for key, value in options.items():
        if value is None or key in _HARMLESS:
            continue
        if key in _WITHOUT_EFFECT:
            log.warning("%s has no effect: %s", key, _WITHOUT_EFFECT[key])
        elif key not in known:
            raise TypeError(f"{key!r} is no argument of an arbiter; legal: {', '.join(known)}")
        else:
            values[known[key].name] = _parsed(key, value, known[key].kind)
    return CircusConfig(**values)


def _parsed(key: str, value: Any, kind: Any) -> Any:
    if not isinstance(value, str | float | int):
        raise TypeError(f"{key}: found {value!r}; legal: {kind.legal}")
    # Texts of these are octal; a program has the number itself.
    text = f"{value:o}" if key == "umask" and isinstance(value, int) else str(value)
    try:
        return kind.parse(text)
    except ValueError:
        raise ValueError(f"{key}: found {value!r}; legal: {kind.legal}") from None


def _socket(given: CircusSocket | Mapping[str, Any]) -> SocketConfig:
    made = given if isinstance(given, CircusSocket) else CircusSocket.load_from_config(given)
    return made.config


def _plugin(given: Mapping[str, Any], scope: Scope) -> PluginConfig:
    """The plugin that a section of these keys would be."""
    name = str(given.get("name") or given.get("use") or "")
    entries = tuple(Entry(key, str(value), NOWHERE) for key, value in given.items() if value is not None)
    return read_plugin(Section(f"plugin:{name}", NOWHERE, entries), scope)
