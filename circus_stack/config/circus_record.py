"""The record of `[circus]`: defaults of the dialect and the environment, a foreign server section, the section itself,
then the flags."""

from __future__ import annotations

from typing import Any

from circus_stack.config.circus_section import convert_circus
from circus_stack.config.document import Section
from circus_stack.config.foreign import Translation
from circus_stack.config.option import Kind, spellings
from circus_stack.config.overrides import Overrides, read_aside
from circus_stack.config.parts import Parts
from circus_stack.config.problems import Problems
from circus_stack.config.schema import CircusConfig


def build_circus(parts: Parts, name: str, *, translation: Translation | None, overrides: Overrides) -> CircusConfig:
    """`name` is the stack's where nothing names it."""
    scope = parts.scope
    values: dict[str, Any] = {
        "name": name,
        **scope.dialect.circus_defaults,
        **read_aside(scope.environ, scope.problems),
    }
    where = {}
    if translation is not None:
        section = Section(translation.section, translation.where, tuple(translation.circus))
        foreign = convert_circus(section, scope)
        values.update(foreign.values)
        where.update(foreign.where)
    values.update(parts.circus.values)
    where.update(parts.circus.where)
    values.update(_flags(overrides, scope.problems))
    return CircusConfig(where=where, **values)


def _flags(overrides: Overrides, problems: Problems) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if overrides.pidfile is not None:
        found["pidfile"] = overrides.pidfile
    if overrides.log_level is not None:
        kind: Kind = spellings(CircusConfig)["loglevel"].kind
        try:
            found["loglevel"] = kind.parse(overrides.log_level)
        except ValueError:
            problems.add("is not a valid log level", option="--log-level", found=overrides.log_level, legal=kind.legal)
    return found
