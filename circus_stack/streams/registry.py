"""The sinks by name, and what a configuration may say of them. Imports a sink's module when it is first named."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from types import ModuleType
from typing import Any

from msgspec import Struct

from circus_stack.config.option import options_of
from circus_stack.config.values import Location, StreamConfig
from circus_stack.errors import ConfigError, Problem
from circus_stack.streams.place import Place
from circus_stack.streams.sink import Sink
from circus_stack.streams.sinks.foreign import ForeignSink

DEFAULT_SINK = "FileStream"

# name -> module, class of its options, function that opens it
_SHIPPED = {
    "FileStream": ("file_streams", "FileOptions", "open_file"),
    "WatchedFileStream": ("file_streams", "WatchedFileOptions", "open_watched_file"),
    "TimedRotatingFileStream": ("file_streams", "TimedRotatingFileOptions", "open_timed_file"),
    "StdoutStream": ("console", "StdoutOptions", "open_stdout"),
    "FancyStdoutStream": ("console", "FancyStdoutOptions", "open_fancy_stdout"),
    "JsonStream": ("json_stream", "JsonOptions", "open_json"),
    "SyslogStream": ("syslog", "SyslogOptions", "open_syslog"),
    "JournaldStream": ("journald", "JournaldOptions", "open_journald"),
    "QueueStream": ("queue_stream", "QueueOptions", "open_queue"),
}
# A program that embeds an arbiter may hand in an object to call, as with Circus, in place of a class's name.
INSTANCE = "stream"


class SinkPlan(Struct, frozen=True):
    """A sink that can be opened: its name, and all it needs but its place. `open` raises ConfigError where a class of
    the user's own fails."""

    name: str
    options: Mapping[str, Any]
    open: Callable[[Place], Sink]

    def is_like(self, other: SinkPlan) -> bool:
        """Whether both make the same of what they are given."""
        return (self.name, self.options) == (other.name, other.options)


def plan(stream: StreamConfig) -> SinkPlan:
    """How to open the sink that `stream` describes; raises ConfigError.

    Options that one of our own sinks does not know are left aside, as Circus does: `unknown_options` names them.
    """
    instance: object = stream.options.get(INSTANCE)
    if callable(instance):
        return SinkPlan("an object", {INSTANCE: instance}, lambda _place: ForeignSink(instance))
    name = stream.sink or DEFAULT_SINK
    shipped = shipped_name(name)
    return _plan_shipped(shipped, stream.options) if shipped else _plan_foreign(name, stream.options)


def check(
    stream: StreamConfig,
    *,
    section: str = "",
    option: str = "stdout_stream",
    where: Mapping[str, Location] | None = None,
    refuses_unknown: bool = True,
) -> list[Problem]:
    """The mistakes of one stream: an unknown class, an unknown option, a bad value. Imports a class of the user's own.

    `section` and `option` name the stream in the messages; `where` has the locations of its keys, or of the whole
    (`stdout_stream`).
    """
    problems: list[Problem] = []
    try:
        plan(stream)
    except ConfigError as error:
        problems += error.problems
    if refuses_unknown:
        problems += unknown_options(stream)
    return list(located(ConfigError(problems), section, option, where or {}).problems) if problems else []


def unknown_options(stream: StreamConfig) -> list[Problem]:
    """The options that one of our own sinks does not know."""
    name = shipped_name(stream.sink or DEFAULT_SINK)
    if not name or callable(stream.options.get(INSTANCE)):
        return []
    declared = [each.name for each in options_of(_record_of(name))]
    return [_unknown_option(name, key, declared) for key in stream.options if key not in declared]


def located(error: ConfigError, section: str, option: str, where: Mapping[str, Location]) -> ConfigError:
    """The same mistakes of one stream, with file, line, section and option."""
    return ConfigError([_locate(problem, section, option, where) for problem in error.problems])


def shipped_name(name: str) -> str:
    """The short name of one of our own sinks, also under the names Circus gave it; empty for any other."""
    parts = name.replace(":", ".").split(".")
    if len(parts) == 1 or parts[:2] == ["circus", "stream"]:
        return parts[-1] if parts[-1] in _SHIPPED else ""
    return ""


def _plan_shipped(name: str, texts: Mapping[str, str]) -> SinkPlan:
    values = _parse_options(_record_of(name), texts)
    try:
        record = _record_of(name)(**values)
    except ValueError as error:
        # Each value is right, and yet they do not go together.
        raise ConfigError([Problem(str(error))]) from None
    opener = getattr(_module_of(name), _SHIPPED[name][2])
    return SinkPlan(name, values, lambda place: opener(record, place))


def _module_of(name: str) -> ModuleType:
    return importlib.import_module(f"circus_stack.streams.sinks.{_SHIPPED[name][0]}")


def _record_of(name: str) -> type:
    record: type = getattr(_module_of(name), _SHIPPED[name][1])
    return record


def _parse_options(record: type, texts: Mapping[str, str]) -> dict[str, Any]:
    declared = {option.name: option for option in options_of(record)}
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for key, text in texts.items():
        if key not in declared:
            continue
        kind = declared[key].kind
        try:
            values[key] = kind.parse(text)
        except ValueError:
            problems.append(Problem(f"not a {kind.name}", option=key, found=text, legal=kind.legal))
    if problems:
        raise ConfigError(problems)
    return values


def _unknown_option(name: str, key: str, declared: Collection[str]) -> Problem:
    nearest = get_close_matches(key, declared, n=1)
    legal = ", ".join(declared) or "none"
    return Problem(f"unknown option of {name}", option=key, legal=legal, nearest=nearest[0] if nearest else "")


def _plan_foreign(name: str, texts: Mapping[str, str]) -> SinkPlan:
    cls = _import_class(name)
    try:
        inspect.signature(cls).bind(**texts)
    except TypeError as error:
        raise ConfigError([Problem(f"{name} does not take these options: {error}", found=", ".join(texts))]) from None
    except ValueError:
        pass  # A class written in C need not tell its signature.
    return SinkPlan(name, texts, lambda _place: _open_foreign(name, cls, texts))


def _open_foreign(name: str, cls: Callable[..., Any], texts: Mapping[str, str]) -> Sink:
    try:
        instance = cls(**texts)
    except Exception as error:
        # What a stranger's code raises is his stream's mistake, whatever it is, and never the end of the arbiter.
        raise ConfigError([Problem(f"{name} cannot be made: {type(error).__name__}: {error}")]) from error
    if not callable(instance):
        raise ConfigError([Problem(f"{name} cannot be used", legal="a class whose instances can be called")])
    return ForeignSink(instance)


def _import_class(name: str) -> Callable[..., Any]:
    module_name, _, class_name = name.replace(":", ".").rpartition(".")
    if not module_name:
        nearest = get_close_matches(name, _SHIPPED, n=1)
        raise ConfigError([_unknown_class(name, nearest[0] if nearest else "")])
    try:
        cls = getattr(importlib.import_module(module_name), class_name)
    except Exception as error:
        reason = f"cannot import the stream class {name}: {type(error).__name__}: {error}"
        raise ConfigError([Problem(reason, legal="package.module.Class")]) from error
    if not callable(cls):
        raise ConfigError([Problem(f"{name} is not a class", legal="a class whose instances can be called")])
    return cls  # type: ignore[no-any-return]


def _unknown_class(name: str, nearest: str) -> Problem:
    legal = f"{', '.join(_SHIPPED)}, or package.module.Class"
    return Problem("unknown stream class", found=name, legal=legal, nearest=nearest)


def _locate(problem: Problem, section: str, option: str, where: Mapping[str, Location]) -> Problem:
    key = problem.option or "class"
    location = where.get(f"{option}.{key}") or where.get(option) or Location()
    return Problem(
        problem.message,
        file=location.file,
        line=location.line,
        section=section,
        option=f"{option}.{key}",
        found=problem.found,
        legal=problem.legal,
        nearest=problem.nearest,
    )
