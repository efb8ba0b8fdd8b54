"""The section `[circus]`: the arbiter's own options. Pure."""

from __future__ import annotations

from circus_stack.config import includes, inert
from circus_stack.config.convert import Converted, convert, refuse_unknown
from circus_stack.config.document import Entry, Section
from circus_stack.config.option import spellings
from circus_stack.config.problems import nearest
from circus_stack.config.schema import CircusConfig
from circus_stack.config.watcher_section import Scope


def convert_circus(section: Section, scope: Scope) -> Converted:
    """The values of the fields that the section sets."""
    extra: dict[str, str] = {}
    title = section.title

    def take_unknown(entry: Entry) -> None:
        legal = (*spellings(CircusConfig), *includes.KEYS, *inert.CIRCUS)
        if entry.key in includes.KEYS:
            _check_include(entry, scope)
            return
        if inert.warn_inert(entry, title, inert.CIRCUS, scope.problems):
            return
        if scope.dialect.is_strict:
            refuse_unknown(entry, title, legal, scope.problems)
            return
        extra[entry.key] = entry.value
        near = nearest(entry.key, legal)
        scope.problems.warn("is not an option of [circus]", entry.where, section=title, option=entry.key, nearest=near)

    result = convert(CircusConfig, scope.expand(section).entries, title, scope.problems, take_unknown)
    if extra:
        result.put("extra", extra, section.where)
    _imply_programs(result)
    return result


def _check_include(entry: Entry, scope: Scope) -> None:
    """A Circus file has been through that pass; a file of another kind has none."""
    if scope.dialect.is_strict:
        legal = "use = config:FILE for applications, filters and servers"
        scope.problems.add(
            "is read in a Circus file only", entry.where, section="circus", option=entry.key, legal=legal
        )


def _imply_programs(result: Converted) -> None:
    """As in Circus, an endpoint for statistics means that they are wanted; so does an address for metrics."""
    for option in ("stats_endpoint", "metrics"):
        if option in result.values and "statsd" not in result.values:
            result.put("statsd", True, result.where[option])
