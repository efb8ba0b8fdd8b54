"""The section `[watcher:NAME]`, and a watcher's options wherever else they stand. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from msgspec import Struct, field

from circus_stack.config import inert
from circus_stack.config.chaussette_command import runs_chaussette
from circus_stack.config.composites import (
    FILE_SINK,
    HOOK_PREFIX,
    LEGAL_ENV,
    LEGAL_HOOK,
    LEGAL_RLIMIT,
    LEGAL_SECRET,
    RLIMIT_PREFIX,
    SECRET_EXAMPLE,
    STREAMS,
    parse_env,
    parse_hook,
    parse_rlimit,
    parse_secret,
    secret_name,
)
from circus_stack.config.convert import Converted, convert, refuse_unknown
from circus_stack.config.dialect import Dialect
from circus_stack.config.document import Entry, Section
from circus_stack.config.environment import StackEnvironment
from circus_stack.config.expand import expand
from circus_stack.config.file_paths import beside
from circus_stack.config.option import spellings
from circus_stack.config.problems import Problems, nearest
from circus_stack.config.scale_kinds import with_range_apart
from circus_stack.config.schema import WatcherConfig
from circus_stack.config.values import HookConfig, Location, Readiness, ReadinessForm, ReloadMode, StreamConfig


class Scope(Struct, frozen=True):
    """What every section of a file is read with."""

    dialect: Dialect
    environ: Mapping[str, str]
    environment: StackEnvironment
    problems: Problems

    def expand(self, section: Section, name: str | None = None) -> Section:
        """The section with `$(circus.env.X)` replaced; `name` is the watcher's, whose own variables then win."""
        variables = self.environment.expandable(name)
        return section.map_values(lambda entry: expand(entry.value, variables))


def legal_keys() -> tuple[str, ...]:
    """Every key that a watcher's section may hold, with the composite ones by an example each."""
    return (*spellings(WatcherConfig), "env", SECRET_EXAMPLE, *(f"{name}.class" for name in STREAMS), *inert.WATCHER)


class _Composites(Struct):
    """What the keys that fill a field together have set so far."""

    title: str
    problems: Problems
    env: dict[str, str]
    streams: dict[str, list[Entry]] = field(default_factory=dict)
    hooks: dict[str, HookConfig] = field(default_factory=dict)
    rlimits: dict[str, tuple[int, int]] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    extra: dict[str, str] = field(default_factory=dict)
    where: dict[str, Location] = field(default_factory=dict)

    def take(self, entry: Entry) -> bool:
        """Whether the entry is a key of a composite."""
        prefix, dot, _ = entry.key.partition(".")
        if dot and prefix in STREAMS:
            self.streams.setdefault(prefix, []).append(entry)
        elif entry.key == "env":
            self._take_one(entry, self.env.update, parse_env, LEGAL_ENV)
        elif (variable := secret_name(entry.key)) is not None:
            put = partial(self.secrets.__setitem__, variable)
            self._take_one(entry, lambda path: put(beside(path, entry.where)), parse_secret, LEGAL_SECRET)
        elif entry.key.startswith(HOOK_PREFIX):
            name = entry.key.removeprefix(HOOK_PREFIX)
            self._take_one(entry, lambda hook: self.hooks.update({name: hook}), parse_hook, LEGAL_HOOK)
        elif entry.key.startswith(RLIMIT_PREFIX):
            name = entry.key.removeprefix(RLIMIT_PREFIX).lower()
            self._take_one(entry, lambda limit: self.rlimits.update({name: limit}), parse_rlimit, LEGAL_RLIMIT)
        else:
            return False
        return True

    def _take_one(self, entry: Entry, put: Callable[[Any], None], parse: Callable[[str], Any], legal: str) -> None:
        try:
            put(parse(entry.value))
            self.where[entry.key] = entry.where
        except ValueError:
            self.problems.add(
                "is not valid", entry.where, section=self.title, option=entry.key, found=entry.value, legal=legal
            )

    def put_into(self, result: Converted, where: Location) -> None:
        """The fields, each with the place of its first key; `where` is the section's."""
        for stream, entries in self.streams.items():
            result.put(stream, _stream(stream, entries, self.title, self.problems), entries[0].where)
        for name, value in (
            ("env", self.env),
            ("hooks", self.hooks),
            ("rlimits", self.rlimits),
            ("env_secrets", self.secrets),
            ("extra", self.extra),
        ):
            if value:
                result.put(name, value, where)
        result.where.update(self.where)


def convert_watcher(
    section: Section,
    name: str,
    scope: Scope,
    *,
    legal: Iterable[str] = (),
    take_rest: Callable[[Entry], None] | None = None,
) -> Converted:
    """The values of a watcher's fields that a section sets; `legal` names more keys, to propose for a misspelt one.

    `take_rest` gets what is no option of a watcher; without it that is free-form, or a mistake.
    """
    title = section.title
    composites = _Composites(title, scope.problems, scope.environment.of_watcher(name))

    def take_unknown(entry: Entry) -> None:
        if composites.take(entry):
            return
        if take_rest is not None:
            take_rest(entry)
        elif not inert.warn_inert(entry, title, inert.WATCHER, scope.problems):
            _take_free_form(entry, title, scope, composites.extra, (*legal_keys(), *legal))

    entries = with_range_apart(scope.expand(section, name).entries, title, scope.problems)
    result = convert(WatcherConfig, entries, title, scope.problems, take_unknown)
    composites.put_into(result, section.where)
    if "env_file" in result.values:
        where = result.where["env_file"]
        result.values["env_file"] = tuple(beside(path, where) for path in result.values["env_file"])
    _check_reload(result, title, scope.problems)
    return result


def _check_reload(result: Converted, title: str, problems: Problems) -> None:
    """send_hup and reload_mode = hup say the same; where both stand they must."""
    if "send_hup" not in result.values or "reload_mode" not in result.values:
        return
    is_hup = result.values["reload_mode"] is ReloadMode.HUP
    if result.values["send_hup"] is not is_hup:
        legal = "one of the two, or reload_mode = hup" if not is_hup else "send_hup = True, or reload_mode alone"
        message = f"contradicts reload_mode = {result.values['reload_mode']}"
        problems.add(message, result.where["send_hup"], section=title, option="send_hup", legal=legal)


def _take_free_form(entry: Entry, title: str, scope: Scope, extra: dict[str, str], legal: Iterable[str]) -> None:
    if scope.dialect.is_strict:
        refuse_unknown(entry, title, legal, scope.problems)
        return
    extra[entry.key] = entry.value
    near = nearest(entry.key, legal, likeness=0.8)
    if near:
        scope.problems.warn("is kept as a free-form option", entry.where, section=title, option=entry.key, nearest=near)


def _stream(stream: str, entries: Iterable[Entry], title: str, problems: Problems) -> StreamConfig:
    options = {entry.key[len(stream) + 1 :]: entry.value for entry in entries}
    sink = options.pop("class", "")
    if not sink and "filename" in options:
        sink = FILE_SINK
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


def usual_readiness(cmd: str) -> Readiness:
    """The readiness of a watcher that names none: our chaussette always says it, and a reload to code that cannot
    start then keeps what serves, whatever the file was written for."""
    return Readiness(ReadinessForm.NOTIFY if runs_chaussette(cmd) else ReadinessForm.NONE)


def watcher_record(name: str, where: Location, converted: Converted, dialect: Dialect) -> WatcherConfig:
    """The record of an ordinary watcher: the dialect's defaults, and what the section set over them."""
    values: dict[str, Any] = {**dialect.watcher_defaults, **converted.values}
    values.setdefault("ready", usual_readiness(values.get("cmd", "")))
    if values.get("send_hup") and "reload_mode" not in values:
        values["reload_mode"] = ReloadMode.HUP
    elif values.get("reload_mode") is ReloadMode.HUP:
        values.setdefault("send_hup", True)
    return WatcherConfig(name=name, where={"": where, **converted.where}, **values)
