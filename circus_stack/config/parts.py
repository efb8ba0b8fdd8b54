"""Our own sections of a file, sorted out and converted: what both kinds of file have in common. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct, field

from circus_stack.config.circus_section import convert_circus
from circus_stack.config.convert import Converted
from circus_stack.config.dialect import Dialect
from circus_stack.config.document import Section
from circus_stack.config.environment import check_patterns, read_environment
from circus_stack.config.plugin_section import PREFIX, read_plugin
from circus_stack.config.problems import Problems, nearest
from circus_stack.config.schema import PluginConfig, ServiceConfig, SocketConfig, WatcherConfig
from circus_stack.config.service_section import read_service
from circus_stack.config.socket_section import read_socket
from circus_stack.config.values import Location
from circus_stack.config.watcher_section import Scope, convert_watcher, watcher_record

# The name of the watcher that serves the application of a Paste ini.
WEB = "web"
# Kinds of section that are ours; those of `NAMED` need a name.
NAMED = ("watcher", "socket", "service", "plugin")
OWN = ("circus", "env", *NAMED)
# logging.config's members: [logger_NAME] and the like.
_LOGGING = ("logger_", "handler_", "formatter_")


class Parts(Struct):
    """What our own sections set. `web` is what `[watcher:web]` lays over the watcher that a server section makes."""

    scope: Scope
    circus: Converted = field(default_factory=Converted)
    sockets: list[SocketConfig] = field(default_factory=list)
    watchers: list[WatcherConfig] = field(default_factory=list)
    services: list[ServiceConfig] = field(default_factory=list)
    plugins: list[PluginConfig] = field(default_factory=list)
    web: Converted | None = None
    web_where: Location = Location()


def is_own(section: Section) -> bool:
    """Whether this program reads the section itself."""
    if section.kind in NAMED:
        return bool(section.name)
    return section.kind == "env" or section.title == "circus"


def read_parts(
    sections: Iterable[Section],
    dialect: Dialect,
    environ: Mapping[str, str],
    service_kinds: Mapping[str, type],
    problems: Problems,
    *,
    has_web: bool,
) -> Parts:
    """Convert our own sections, whose values are interpolated already where the dialect interpolates.

    `has_web`: a server section makes the watcher `web`, so that `[watcher:web]` has no command of its own.
    """
    own = [section for section in sections if is_own(section)]
    environment = read_environment([each for each in own if each.kind == "env"], environ)
    parts = Parts(Scope(dialect, environ, environment, problems))
    for section in own:
        if section.kind in NAMED and not section.entries and not dialect.is_strict:
            problems.warn("is empty, and is ignored, as in Circus", section.where, section=section.title)
        else:
            _read(section, parts, service_kinds, has_web)
    names = [each.name for each in parts.watchers] + [each.name for each in parts.services]
    names += [PREFIX + each.name for each in parts.plugins]
    check_patterns(environment, [*names, *([WEB] if has_web else [])], problems)
    return parts


def _read(section: Section, parts: Parts, service_kinds: Mapping[str, type], has_web: bool) -> None:
    scope = parts.scope
    match section.kind:
        case "circus":
            parts.circus = convert_circus(section, scope)
        case "socket":
            parts.sockets.append(read_socket(section, scope))
        case "plugin":
            parts.plugins.append(read_plugin(section, scope))
        case "watcher":
            converted = convert_watcher(section, section.name, scope)
            if has_web and section.name.lower() == WEB:
                parts.web, parts.web_where = converted, section.where
            else:
                parts.watchers.append(watcher_record(section.name, section.where, converted, scope.dialect))
        case "service" if scope.dialect.is_strict:
            service = read_service(section, scope, service_kinds)
            if service is not None:
                parts.services.append(service)
        case "service":
            scope.problems.warn("services are read in a Paste ini only", section.where, section=section.title)


def check_titles(sections: Iterable[Section], other_kinds: Iterable[str], problems: Problems) -> None:
    """Warn of sections that nobody reads and that look like one of ours; `other_kinds` are those that others read."""
    others = tuple(other_kinds)
    for section in sections:
        if is_own(section) or section.kind in others or section.kind.startswith(_LOGGING):
            continue
        if section.kind in NAMED:
            problems.warn(
                "is ignored, as it has no name", section.where, section=section.title, legal=f"[{section.kind}:NAME]"
            )
            continue
        near = nearest(section.kind, (*OWN, *others), likeness=0.75)
        if near:
            name = section.title[len(section.kind) :] or (":NAME" if near in NAMED else "")
            problems.warn(
                "is a section that nobody reads", section.where, section=section.title, nearest=f"[{near}{name}]"
            )
