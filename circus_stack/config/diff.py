"""What differs between two stacks. Pure: what a change does is read off the declarations of the options."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import TypeVar

from msgspec import Struct, field, structs

from circus_stack.config.composites import rlimit_text
from circus_stack.config.kinds import OCTAL
from circus_stack.config.masking import MASK, is_secret_name, mask_command
from circus_stack.config.option import Change, Kind, changes_of, options_of
from circus_stack.config.schema import (
    CircusConfig,
    ServiceConfig,
    SocketConfig,
    StackConfig,
    WatcherConfig,
)

R = TypeVar("R", SocketConfig, WatcherConfig, ServiceConfig)

# Fields that are no options: places, and what is kept without being read.
_UNDECLARED = Change.APPLY
_LONGEST_VALUE = 60
# The digest of what a watcher's secret files hold: new processes read them, running ones don't.
_SECRETS = "secrets_digest"
# What `services` puts into the environment of a service whose recipe writes files: a hash of them.
FILES_VARIABLE = "CIRCUS_STACK_FILES"


class FieldChange(Struct, frozen=True):
    """One field of a record: its values as text, and what the change does."""

    name: str
    old: str
    new: str
    change: Change

    def __str__(self) -> str:
        if self.name == _SECRETS:
            return "what its env_file or env.*_file hold has changed"
        if self.name == "env":
            # Values may be secrets; which variables differ is told, not how.
            return f"env: {self.new}"
        return f"{self.name}: {_shortened(self.old)} -> {_shortened(self.new)}"


class Changed(Struct, frozen=True):
    """A record that stands on both sides with other values. `stops_first`: its process can't run beside a new one."""

    name: str
    fields: tuple[FieldChange, ...]
    stops_first: bool = False

    @property
    def change(self) -> Change:
        """The strongest of its fields' changes."""
        return max((each.change for each in self.fields), key=lambda each: each.strength)

    def lines(self, kind: str) -> list[str]:
        """One line a field, with what its change does."""
        return [f"~ [{kind}:{self.name}] {each} ({self._effect(each.change)})" for each in self.fields]

    def _effect(self, change: Change) -> str:
        return "the process is stopped, then started" if self.stops_first and change is Change.ROLL else str(change)


class Diff(Struct, frozen=True):
    """Names that came, went, or stand for something else, each group in the order of the files."""

    sockets_added: tuple[str, ...] = ()
    sockets_removed: tuple[str, ...] = ()
    sockets_changed: tuple[Changed, ...] = ()
    watchers_added: tuple[str, ...] = ()
    watchers_removed: tuple[str, ...] = ()
    watchers_changed: tuple[Changed, ...] = ()
    services_changed: tuple[Changed, ...] = ()
    circus: tuple[FieldChange, ...] = field(default=())

    def lines(self) -> tuple[str, ...]:
        """One line a difference, for a person: `+`, `-` and `~` for what came, went and changed."""
        found = [f"~ [circus] {each} ({each.change})" for each in self.circus]
        found += _group_lines("socket", self.sockets_added, self.sockets_removed, self.sockets_changed)
        found += _group_lines("watcher", self.watchers_added, self.watchers_removed, ())
        found += [line for each in self.services_changed for line in each.lines("service")]
        explained = {each.name for each in self.services_changed}
        for each in self.watchers_changed:
            found += _without_files(each, explained).lines("watcher")
        return tuple(found)


def diff(old: StackConfig, new: StackConfig) -> Diff:
    """Compare two stacks; services count as the watchers that they become, whether composed already or not."""
    sockets = _compare(old.sockets, new.sockets)
    watchers = _compare(old.watchers, new.watchers)
    names = {each.name for each in (*old.watchers, *new.watchers)}
    services = _compare(_others(old.services, names), _others(new.services, names))
    return Diff(
        sockets_added=sockets[0],
        sockets_removed=sockets[1],
        sockets_changed=sockets[2],
        watchers_added=services[0] + watchers[0],
        watchers_removed=services[1] + watchers[1],
        watchers_changed=services[2] + watchers[2],
        services_changed=_changed_options(old.services, new.services),
        circus=_fields(old.circus, new.circus),
    )


def watcher_changes(old: WatcherConfig, new: WatcherConfig) -> dict[str, Change]:
    """Field name -> what its change does, of the fields in which two watchers differ."""
    return {each.name: each.change for each in _fields(old, new)}


def _others(services: Iterable[ServiceConfig], names: set[str]) -> tuple[ServiceConfig, ...]:
    return tuple(service for service in services if service.name not in names)


def _compare(old: Iterable[R], new: Iterable[R]) -> tuple[tuple[str, ...], tuple[str, ...], tuple[Changed, ...]]:
    before = {each.name: each for each in old}
    after = {each.name: each for each in new}
    added = tuple(name for name in after if name not in before)
    removed = tuple(name for name in before if name not in after)
    pairs = ((name, _fields(before[name], record)) for name, record in after.items() if name in before)
    return added, removed, tuple(Changed(name, fields, _stops_first(after[name])) for name, fields in pairs if fields)


def _stops_first(record: SocketConfig | WatcherConfig | ServiceConfig) -> bool:
    return isinstance(record, ServiceConfig) or (isinstance(record, WatcherConfig) and record.cannot_overlap)


def _changed_options(old: Iterable[ServiceConfig], new: Iterable[ServiceConfig]) -> tuple[Changed, ...]:
    """The recipes' own options that differ, of services of the same kind on both sides."""
    before = {each.name: each for each in old}
    pairs = ((before[each.name], each) for each in new if each.name in before and before[each.name].kind == each.kind)
    found = ((after.name, _options(before.options, after.options)) for before, after in pairs)
    return tuple(Changed(name, fields, stops_first=True) for name, fields in found if fields)


def _options(old: object, new: object) -> tuple[FieldChange, ...]:
    names = [each.name for each in dataclasses.fields(old)]  # type: ignore[arg-type]
    pairs = ((name, getattr(old, name), getattr(new, name)) for name in names)
    return tuple(FieldChange(name, _text(a), _text(b), Change.ROLL) for name, a, b in pairs if a != b)


def _without_files(changed: Changed, explained: set[str]) -> Changed:
    """Leave out that a service's generated files differ, where its own options have told why."""
    fields = [each for each in changed.fields if each.name != "env" or each.new != f"~{FILES_VARIABLE}"]
    return structs.replace(changed, fields=tuple(fields)) if changed.name in explained else changed


def _fields(
    old: SocketConfig | WatcherConfig | ServiceConfig | CircusConfig,
    new: SocketConfig | WatcherConfig | ServiceConfig | CircusConfig,
) -> tuple[FieldChange, ...]:
    # A service's own options end in files and a command: whatever differs replaces its process.
    undeclared = Change.ROLL if isinstance(old, ServiceConfig) else _UNDECLARED
    changes = changes_of(type(old))
    kinds = {option.name: option.kind for option in options_of(type(old))}
    found = []
    for each in dataclasses.fields(old):
        before, after = getattr(old, each.name), getattr(new, each.name)
        if each.compare and before != after:
            kind = kinds.get(each.name)
            if each.name == _SECRETS:
                # Without one it isn't known what they held: what is known is that the option itself was changed.
                if before and after:
                    found.append(FieldChange(each.name, "", "", Change.ROLL))
                continue
            texts = _variables(before, after) if each.name == "env" else (_text(before, kind), _text(after, kind))
            found.append(FieldChange(each.name, *texts, changes.get(each.name, undeclared)))
    return tuple(found)


def _variables(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[str, str]:
    added = [f"+{name}" for name in new if name not in old]
    removed = [f"-{name}" for name in old if name not in new]
    changed = [f"~{name}" for name in new if name in old and old[name] != new[name]]
    return "", " ".join(added + removed + changed)


def _text(value: object, kind: Kind | None = None) -> str:
    """As a file writes it."""
    if value in (None, "", {}):
        return "nothing"
    if kind is OCTAL and isinstance(value, int):
        return f"{value:03o}"
    if isinstance(value, Mapping):
        return " ".join(f"{name}={_part_text(str(name), part)}" for name, part in value.items())
    return mask_command(" ".join(map(str, value)) if isinstance(value, tuple) else str(value))


def _part_text(name: str, part: object) -> str:
    if is_secret_name(name):
        return MASK
    return rlimit_text(part) if isinstance(part, tuple) else mask_command(str(part))


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 3]}..."


def _group_lines(
    kind: str, added: tuple[str, ...], removed: tuple[str, ...], changed: tuple[Changed, ...]
) -> list[str]:
    found = [f"+ [{kind}:{name}]" for name in added]
    found += [f"- [{kind}:{name}]" for name in removed]
    return [*found, *(line for each in changed for line in each.lines(kind))]
