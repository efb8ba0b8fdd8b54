"""The section `[service:NAME]`: a recipe's own options, and any option of a watcher. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from circus_stack.config import kinds
from circus_stack.config.convert import Converted, convert, parse_value
from circus_stack.config.document import Entry, Section
from circus_stack.config.option import Change, Option, spellings
from circus_stack.config.problems import nearest
from circus_stack.config.schema import ServiceConfig
from circus_stack.config.watcher_section import Scope, convert_watcher

_OPTIONAL = Option(
    kinds.BOOL, "Start the stack without it where its binary is missing.", Change.RESTART, (), "optional"
)


def read_service(section: Section, scope: Scope, service_kinds: Mapping[str, type]) -> ServiceConfig | None:
    """One service, or None after the mistake of a kind that has no recipe was added."""
    kind_entry = section.find("kind")
    kind = (kind_entry.value if kind_entry else section.name).strip().lower()
    recipe = service_kinds.get(kind)
    if recipe is None:
        scope.problems.add(
            "there is no recipe for a service of this kind",
            kind_entry.where if kind_entry else section.where,
            section=section.title,
            option="kind" if kind_entry else "",
            found=kind,
            legal=", ".join(sorted(service_kinds)),
            nearest=nearest(kind, service_kinds),
        )
        return None
    own, watcher = _split(section, recipe, scope)
    return ServiceConfig(
        name=section.name,
        kind=kind,
        options=_recipe_record(recipe, own.values, section, scope),
        watcher=watcher.values,
        optional=_is_optional(section, scope),
        where={"": section.where, **watcher.where, **own.where},
    )


def _split(section: Section, recipe: type, scope: Scope) -> tuple[Converted, Converted]:
    """The recipe's options and the watcher's; a name that both declare is the recipe's."""
    rest: list[Entry] = []
    expanded = scope.expand(section, section.name)
    entries = [entry for entry in expanded.entries if entry.key not in ("kind", "optional")]
    own = convert(recipe, entries, section.title, scope.problems, rest.append)
    remainder = Section(section.title, section.where, tuple(rest))
    legal = (*spellings(recipe), "kind", "optional")
    return own, convert_watcher(remainder, section.name, scope, legal=legal)


def _recipe_record(recipe: type, values: Mapping[str, Any], section: Section, scope: Scope) -> object:
    try:
        return recipe(**values)
    except (TypeError, ValueError) as error:
        scope.problems.add(str(error), section.where, section=section.title)
        return None


def _is_optional(section: Section, scope: Scope) -> bool:
    entry = section.find("optional")
    if entry is None:
        return False
    value, ok = parse_value(_OPTIONAL, entry, section.title, scope.problems)
    return bool(value) if ok else False
