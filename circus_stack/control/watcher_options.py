"""A watcher's options as `options` and `get` send them: from their one declaration, in plain values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from circus_stack.config.composites import rlimit_text
from circus_stack.config.option import options_of
from circus_stack.config.schema import WatcherConfig
from circus_stack.config.values import ReloadMode, StreamConfig


def watcher_options(config: WatcherConfig, wanted: int) -> dict[str, Any]:
    """All options of a watcher by name, free-form ones included. `numprocesses` is what the watcher aims at now."""
    declared = {option.name: plain(getattr(config, option.name)) for option in options_of(WatcherConfig)}
    options = {
        # Circus's clients expect it; it never had an effect.
        "executable": None,
        **config.extra,
        **declared,
        "numprocesses": wanted,
        "uid": _identity(config.uid),
        "gid": _identity(config.gid),
        "send_hup": config.reload_mode is ReloadMode.HUP,
        **{f"rlimit_{name}": rlimit_text(limit) for name, limit in config.rlimits.items()},
        "hooks": {name: [hook.callable, hook.ignore_failure] for name, hook in config.hooks.items()},
        "env": dict(config.env),
        "stdout_stream_conf": _stream(config.stdout_stream),
        "stderr_stream_conf": _stream(config.stderr_stream),
    }
    return dict(sorted(options.items()))


def plain(value: object) -> Any:
    """A value of an option as JSON has it."""
    match value:
        case Enum():
            return value.value
        case None | bool() | int() | float() | str():
            return value
        case Mapping():
            return {str(key): plain(each) for key, each in value.items()}
        case tuple() | list():
            return [plain(each) for each in value]
        case _:
            return str(value)


def _identity(name: str | None) -> str | int | None:
    return int(name) if name is not None and name.isdigit() else name


def _stream(stream: StreamConfig | None) -> dict[str, str]:
    if stream is None:
        return {}
    return {"class": stream.sink, **stream.options} if stream.sink else dict(stream.options)
