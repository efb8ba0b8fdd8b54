"""A watcher's options as `options` and `get` send them: from their one declaration, in plain values. Changes
nothing; asks the system for the numbers of users and groups."""

from __future__ import annotations

import grp
import pwd
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from circus_stack.config.composites import rlimit_text, secret_key
from circus_stack.config.option import options_of
from circus_stack.config.schema import WatcherConfig
from circus_stack.config.values import ReloadMode, StreamConfig

# Options that are seconds here and whole numbers in Circus, as long as they are whole.
_WHOLE = ("max_age", "max_age_variance", "warmup_delay")


_GIVEN = ("args", "env", "stdout_stream_conf", "stderr_stream_conf")


def watcher_options(config: WatcherConfig, wanted: int) -> dict[str, Any]:
    """All options of a watcher by name, free-form ones included. `numprocesses` is what the watcher aims at now."""
    declared = {option.name: plain(getattr(config, option.name)) for option in options_of(WatcherConfig)}
    options = {
        # Circus's clients expect it; it never had an effect.
        "executable": None,
        **config.extra,
        **declared,
        **{name: _whole(declared[name]) for name in _WHOLE},
        "numprocesses": wanted,
        "uid": _identity(config.uid, lambda name: pwd.getpwnam(name).pw_uid),
        "gid": _identity(config.gid, lambda name: grp.getgrnam(name).gr_gid),
        "send_hup": config.reload_mode is ReloadMode.HUP,
        "shell_args": config.shell_args or None,
        "working_dir": config.working_dir or str(Path.cwd()),
        **{f"rlimit_{name}": rlimit_text(limit) for name, limit in config.rlimits.items()},
        **{secret_key(name): path for name, path in config.env_secrets.items()},
        "hooks": _hooks(config),
        "env": dict(config.env),
        "stdout_stream_conf": _stream(config.stdout_stream),
        "stderr_stream_conf": _stream(config.stderr_stream),
    }
    if not config.where:
        # It was not read from a file: Circus has null for what nobody has given then.
        options |= {name: options[name] or None for name in _GIVEN}
    return dict(sorted(options.items()))


def dotted_options(config: WatcherConfig) -> dict[str, Any]:
    """What `set` takes by a dotted name: each hook, and the options of streams."""
    found: dict[str, Any] = {f"hooks.{name}": hook for name, hook in _hooks(config).items()}
    for name in ("stdout_stream", "stderr_stream"):
        found |= {f"{name}.{key}": value for key, value in _stream(getattr(config, name)).items()}
    return found


def _hooks(config: WatcherConfig) -> dict[str, list[Any]]:
    return {name: [plain(hook.callable), hook.ignore_failure] for name, hook in config.hooks.items()}


def _whole(seconds: float) -> float:
    return int(seconds) if seconds == int(seconds) else seconds


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


def _identity(name: str | None, number: Callable[[str], int]) -> str | int | None:
    """The number of a user or group, as Circus has it; its name where this machine knows no number of it."""
    if name is None or name.isdecimal():
        return None if name is None else int(name)
    try:
        return number(name)
    except KeyError:
        return name


def _stream(stream: StreamConfig | None) -> dict[str, Any]:
    if stream is None:
        return {}
    options = {key: plain(value) for key, value in stream.options.items()}
    return {"class": stream.sink, **options} if stream.sink else options
