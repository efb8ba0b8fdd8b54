"""The section `[watcher:NAME]`, and a watcher's options wherever else they stand. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from circus_stack.config import later
from circus_stack.config.chaussette_command import runs_chaussette
from circus_stack.config.convert import Converted, convert, refuse_unknown
from circus_stack.config.dialect import Dialect
from circus_stack.config.document import Entry, Section
from circus_stack.config.environment import StackEnvironment
from circus_stack.config.expand import environ_variables, expand
from circus_stack.config.option import spellings
from circus_stack.config.problems import Problems, nearest
from circus_stack.config.schema import WatcherConfig
from circus_stack.config.values import Location, Readiness, ReadinessForm, StreamConfig

_STREAMS = ("stdout_stream", "stderr_stream")
_LATER = {**later.WATCHER, **later.WATCHER_PREFIXES}
_ENV_SEPARATOR = re.compile(r"[,\n]")


@dataclass(frozen=True, slots=True)
class Scope:
    """What every section of a file is read with."""

    dialect: Dialect
    environ: Mapping[str, str]
    environment: StackEnvironment
    problems: Problems

    def expand(self, section: Section, name: str | None = None) -> Section:
        """The section with `$(circus.env.X)` replaced; `name` is the watcher's, whose own variables then win."""
        own = self.environment.common() if name is None else self.environment.of_watcher(name)
        variables = environ_variables(self.environ, own)
        return section.map_values(lambda entry: expand(entry.value, variables))


def legal_keys() -> tuple[str, ...]:
    """Every key that a watcher's section may hold."""
    return (*spellings(WatcherConfig), "env", *(f"{name}.class" for name in _STREAMS), *later.WATCHER)


def convert_watcher(section: Section, name: str, scope: Scope, *, legal: Iterable[str] = ()) -> Converted:
    """The values of a watcher's fields that a section sets; `legal` names more keys, to propose for a misspelt one."""
    extra: dict[str, str] = {}
    streams: dict[str, list[Entry]] = {}
    env: dict[str, str] = scope.environment.of_watcher(name)
    title = section.title

    def take_unknown(entry: Entry) -> None:
        stream = next((each for each in _STREAMS if entry.key.startswith(f"{each}.")), None)
        if stream is not None:
            streams.setdefault(stream, []).append(entry)
        elif entry.key == "env":
            env.update(_parse_env(entry, title, scope.problems))
        elif not later.warn_later(entry, title, _LATER, scope.problems):
            _take_free_form(entry, title, scope, extra, (*legal_keys(), *legal))

    result = convert(WatcherConfig, scope.expand(section, name).entries, title, scope.problems, take_unknown)
    for stream, entries in streams.items():
        result.put(stream, _stream(stream, entries, title, scope.problems), entries[0].where)
    if env:
        result.put("env", env, section.where)
    if extra:
        result.put("extra", extra, section.where)
    return result


def _take_free_form(entry: Entry, title: str, scope: Scope, extra: dict[str, str], legal: Iterable[str]) -> None:
    if scope.dialect.is_strict:
        refuse_unknown(entry, title, legal, scope.problems)
        return
    extra[entry.key] = entry.value
    near = nearest(entry.key, legal, likeness=0.8)
    if near:
        scope.problems.warn("is kept as a free-form option", entry.where, section=title, option=entry.key, nearest=near)


def _parse_env(entry: Entry, title: str, problems: Problems) -> dict[str, str]:
    found: dict[str, str] = {}
    for item in filter(None, map(str.strip, _ENV_SEPARATOR.split(entry.value))):
        name, equals, value = item.partition("=")
        if not equals or not name.strip():
            problems.add(
                "is not a setting of a variable",
                entry.where,
                section=title,
                option="env",
                found=item,
                legal="NAME=VALUE,NAME=VALUE",
            )
        else:
            found[name.strip()] = value.strip()
    return found


def _stream(stream: str, entries: Iterable[Entry], title: str, problems: Problems) -> StreamConfig:
    options = {entry.key[len(stream) + 1 :]: entry.value for entry in entries}
    sink = options.pop("class", "")
    if not sink and "filename" in options:
        # Circus: a filename alone means a file.
        sink = "FileStream"
    if not sink:
        first = next(iter(entries))
        problems.add(
            "has options, and names neither class nor filename",
            first.where,
            section=title,
            option=first.key,
            legal=f"{stream}.class = StdoutStream, or {stream}.filename = PATH",
        )
    return StreamConfig(sink, options)


def watcher_record(name: str, where: Location, converted: Converted, dialect: Dialect) -> WatcherConfig:
    """The record of an ordinary watcher: the dialect's defaults, and what the section set over them."""
    values: dict[str, Any] = {**dialect.watcher_defaults, **converted.values}
    if "ready" not in values and runs_chaussette(values.get("cmd", "")):
        # So a reload to code that cannot start keeps what serves, whatever the file was written for.
        values["ready"] = Readiness(ReadinessForm.NOTIFY)
    return WatcherConfig(name=name, where={"": where, **converted.where}, **values)
