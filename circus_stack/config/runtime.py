"""Changes of a watcher while the stack runs: one option, a whole new watcher, and what stays when the file is read
again. Pure: records in, records out."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from circus_stack.config import inert, json_values
from circus_stack.config.check_stack import check_one
from circus_stack.config.check_watcher import check_watcher
from circus_stack.config.composites import FILE_SINK, HOOK_PREFIX, RLIMIT_PREFIX, STREAMS, parse_secret, secret_name
from circus_stack.config.dialect import Dialect
from circus_stack.config.option import spellings
from circus_stack.config.problems import Problems, nearest
from circus_stack.config.scale_kinds import COUNT, RANGE
from circus_stack.config.schema import StackConfig, WatcherConfig
from circus_stack.config.values import ReloadMode, StreamConfig
from circus_stack.config.watcher_section import legal_keys, usual_readiness
from circus_stack.errors import UnknownOptionError
from circus_stack.scaling import ScaleRange, is_range

_DECLARED = spellings(WatcherConfig)
# A file could not hold a name with these.
_NO_NAME = frozenset("[]\r\n\0")
# Nor a value with these: the first ends a line there, and no program can be given the second.
_NO_TEXT = {"\r": "a carriage return", "\0": "a zero byte"}
# Fields whose keys are changed one by one, so that they are also kept one by one.
_MAPPINGS = ("env", "env_secrets", "rlimits", "hooks", "extra")


def change_option(config: WatcherConfig, key: str, value: object) -> WatcherConfig:
    """The watcher with one option changed: `value` is text or what JSON has.

    `key` is any option, `stdout_stream.K`, `hooks.NAME`, `hooks`, `rlimit_X`, `env`, or a free-form key that is there
    already. Raises UnknownOptionError for any other, and ValueError, which says what would be legal, for a bad value
    or one that contradicts another option. What other sections say is checked by `check_change`.
    """
    changed = _changed(config, key, value, keep_unknown=False)
    _check_alone(changed)
    return changed


def watcher_from_options(
    name: str, cmd: str, args: object, options: Mapping[str, object], dialect: Dialect
) -> WatcherConfig:
    """A new watcher with the dialect's defaults; values are text or what JSON has, None is a default.

    Unknown keys are kept as free-form options, or refused with UnknownOptionError where the dialect is strict. Raises
    ValueError as `change_option` does.
    """
    if not name.strip() or set(name) & _NO_NAME:
        raise ValueError(f"{name!r} is not a valid name of a watcher; legal: text of one line, without [ and ]")
    given = {"cmd": cmd, "args": args, **options}
    found = WatcherConfig(name=name, **dialect.watcher_defaults)
    for key, value in given.items():
        if value is not None and key not in inert.WATCHER and key != "name":
            found = _changed(found, key, value, keep_unknown=not dialect.is_strict)
    if not {"ready", "readiness"} & set(given):
        found = dataclasses.replace(found, ready=usual_readiness(found.cmd))
    _check_alone(found)
    return found


def check_change(stack: StackConfig, changed: WatcherConfig) -> None:
    """Raise ValueError where a watcher that was changed, or added, contradicts the rest of the stack: sockets and
    watchers that it names, rings of dependencies."""
    problems = Problems()
    check_one(stack, changed, problems)
    _raise_first(problems)


def merge_file(before: WatcherConfig, running: WatcherConfig, now: WatcherConfig) -> WatcherConfig:
    """What holds after the file was read again: `before` and `now` are what it said and says, `running` what holds.

    As `merge_runtime`, but that the number where a range begins is no more than that: what the load has made of it
    stays, within the range. Where the range went, the file's number holds.
    """
    merged = merge_runtime(before, running, now)
    if merged.scale_range == running.scale_range:
        return merged
    if merged.scale_range is None:
        return dataclasses.replace(merged, numprocesses=now.numprocesses)
    return dataclasses.replace(merged, numprocesses=merged.scale_range.clamp(running.numprocesses))


def merge_runtime(before: WatcherConfig, running: WatcherConfig, now: WatcherConfig) -> WatcherConfig:
    """What holds after a change from `before` to `now`, where `running` holds meanwhile.

    Field by field, and key by key of a mapping: what an operator changed stays unless the file changed that very one.
    """
    merged: dict[str, Any] = {}
    for field in dataclasses.fields(now):
        old, own, new = (getattr(each, field.name) for each in (before, running, now))
        if not field.compare:
            continue
        if field.name in _MAPPINGS:
            merged[field.name] = _merge_keys(old, own, new)
        else:
            merged[field.name] = own if old == new else new
    result = dataclasses.replace(now, **merged)
    if not running.secrets_digest and _secrets(result) == _secrets(now):
        result = dataclasses.replace(result, secrets_digest=now.secrets_digest)
    return dataclasses.replace(result, send_hup=result.reload_mode is ReloadMode.HUP)


def _secrets(config: WatcherConfig) -> tuple[object, object]:
    return config.env_file, dict(config.env_secrets)


def _merge_keys(before: Mapping[str, Any], running: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key in (*now, *(key for key in running if key not in now)):
        source = running if before.get(key) == now.get(key) else now
        if key in source:
            found[key] = source[key]
    return found


def _changed(config: WatcherConfig, key: str, value: object, *, keep_unknown: bool) -> WatcherConfig:
    try:
        fields = _fields(config, key, value, keep_unknown)
        _check_text([key, value])
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from None
    if {"env_file", "env_secrets"} & set(fields):
        # What other files hold is not known here; a reload finds out.
        fields["secrets_digest"] = ""
    return _in_step(key, dataclasses.replace(config, **fields))


def _check_text(value: object) -> None:
    """Raise ValueError where it, or what is in it, holds what no file and no command line can."""
    match value:
        case str():
            for character, name in _NO_TEXT.items():
                if character in value:
                    raise ValueError(f"{value[:80]!r} is not valid: it holds {name}; legal: text without one")
        case Mapping():
            _check_text([*value, *value.values()])
        case list() | tuple():
            for each in value:
                _check_text(each)


def _fields(config: WatcherConfig, key: str, value: object, keep_unknown: bool) -> dict[str, Any]:
    """What the key fills: field name -> its new value."""
    if key == COUNT and isinstance(value, str) and is_range(value):
        key = RANGE
    option = _DECLARED.get(key)
    prefix, dot, rest = key.partition(".")
    if option is not None:
        found = json_values.option_value(option, value)
        # Who names a range wants the number in it.
        count = {COUNT: found.clamp(config.numprocesses)} if isinstance(found, ScaleRange) else {}
        return {option.name: found, **count}
    if key in STREAMS:
        return {key: json_values.stream_value(value)}
    if dot and prefix in STREAMS:
        return {prefix: _with_stream_option(getattr(config, prefix), rest, value)}
    if key == "env":
        return {"env": json_values.env_value(value)}
    if (name := secret_name(key)) is not None:
        return {"env_secrets": _with_secret(config.env_secrets, name, value)}
    if key == "hooks" or key.startswith(HOOK_PREFIX):
        given = {rest: json_values.hook_value(value)} if dot else json_values.hooks_value(value)
        hooks = {**config.hooks, **given}
        return {"hooks": {name: hook for name, hook in hooks.items() if hook is not None}}
    if key == "rlimits" and isinstance(value, Mapping):
        return {"rlimits": {str(name).lower(): json_values.rlimit_value(each) for name, each in value.items()}}
    if key.startswith(RLIMIT_PREFIX):
        name = key.removeprefix(RLIMIT_PREFIX).lower()
        return {"rlimits": {**config.rlimits, name: json_values.rlimit_value(value)}}
    if key not in config.extra and not keep_unknown:
        raise UnknownOptionError(key, nearest(key, (*legal_keys(), *config.extra)))
    return {"extra": {**config.extra, key: json_values.scalar_text(value)}}


def _with_secret(given: Mapping[str, str], name: str, value: object) -> dict[str, str]:
    """Nothing takes the variable away."""
    text = "" if value is None else json_values.scalar_text(value)
    others = {each: path for each, path in given.items() if each != name}
    return {**others, name: parse_secret(text)} if text.strip() else others


def _with_stream_option(stream: StreamConfig | None, name: str, value: object) -> StreamConfig:
    options = dict(stream.options) if stream is not None else {}
    sink = stream.sink if stream is not None else ""
    text = json_values.scalar_text(value)
    if name == "class":
        sink = text
    else:
        options[name] = text
    sink = sink or (FILE_SINK if "filename" in options else "")
    if not sink or not name:
        raise ValueError("there is no stream that has this option; set its class, or its filename, first")
    return StreamConfig(sink, options)


def _in_step(key: str, config: WatcherConfig) -> WatcherConfig:
    """send_hup and reload_mode = hup are one; whichever was set decides."""
    if key == "send_hup" and config.send_hup is not (config.reload_mode is ReloadMode.HUP):
        return dataclasses.replace(config, reload_mode=ReloadMode.HUP if config.send_hup else ReloadMode.ROLLING)
    return dataclasses.replace(config, send_hup=config.reload_mode is ReloadMode.HUP)


def _check_alone(config: WatcherConfig) -> None:
    problems = Problems()
    check_watcher(config, problems)
    _raise_first(problems)


def _raise_first(problems: Problems) -> None:
    if problems.mistakes:
        # Where the option stands in the file is no help: it is not the file's value that is wrong.
        raise ValueError(str(dataclasses.replace(problems.mistakes[0], file="", line=0)))
