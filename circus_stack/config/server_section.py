"""The server section of a Paste file, resolved by PasteDeploy and put into our own words."""

from __future__ import annotations

from typing import Any

from paste.deploy import loadwsgi

from circus_stack.config.document import Entry, Section
from circus_stack.config.foreign import Translation, fill_defaults, translate
from circus_stack.config.foreign_table import UNKNOWN, find_foreign, normalised
from circus_stack.config.gunicorn import translate_gunicorn
from circus_stack.config.paste_context import LazyContext
from circus_stack.config.paste_loader import LazyLoader
from circus_stack.config.problems import Problems, nearest
from circus_stack.config.values import Location

_OWN = "circus-stack"
_GUESS = "host, port, listen, workers and threads are read as most servers mean them"


def read_server(loader: LazyLoader, name: str | None, problems: Problems) -> Translation:
    """The server section of that name, else `main`; without any section, defaults."""
    names = loader.names(loadwsgi.SERVER)
    if not names and name is None:
        return Translation(is_own=True, where=Location(loader.filename))
    wanted = name or "main"
    if wanted not in names:
        _refuse_name(loader, name, names, problems)
        return Translation(is_own=True, where=Location(loader.filename))
    context = loader.get_context(loadwsgi.SERVER, wanted, dict(loader.files.variables))
    if not isinstance(context, LazyContext) or not context.reference.scheme:
        return Translation(is_own=True, where=Location(loader.filename))
    _warn_shadowed(loader, context, problems)
    return _translated(context, problems)


def _refuse_name(loader: LazyLoader, name: str | None, names: tuple[str, ...], problems: Problems) -> None:
    problems.add(
        f"there is no [server:{name or 'main'}]",
        Location(loader.filename),
        option="" if name is None else "--server-name",
        legal=", ".join(names) if name is not None else "--server-name with one of: " + ", ".join(names),
        nearest=nearest(name or "main", names),
    )


def _warn_shadowed(loader: LazyLoader, context: LazyContext, problems: Problems) -> None:
    """PasteDeploy hands a server no option that is also a default; that surprises, so it is told."""
    if context.section is None:
        return
    defaults = loader.parser.defaults()
    for entry in context.section.entries:
        if entry.key in defaults and entry.key not in context.local_conf:
            problems.warn(
                "is not honoured: PasteDeploy passes an option of this name to no section, as [DEFAULT] or the command "
                "line defines it too",
                entry.where,
                section=context.section.title,
                option=entry.key,
            )


def _translated(context: LazyContext, problems: Problems) -> Translation:
    place = context.where.get("", Location())
    title = context.section.title if context.section is not None else "server:main"
    local: dict[str, Any] = context.local_conf
    entries = tuple(Entry(key, str(value), context.where.get(key, place)) for key, value in local.items())
    section = Section(title, place, entries)
    reference = context.reference
    distribution = normalised(reference.target) if reference.scheme == "egg" else ""
    if distribution == _OWN:
        return Translation(title, place, is_own=True, server=list(entries))
    if distribution == "gunicorn":
        return translate_gunicorn(section, problems)
    foreign = find_foreign(reference)
    if foreign is None:
        use = context.where.get("use", place)
        problems.warn(f"the server {reference} is not known; {_GUESS}", use, section=title, option="use")
    result = translate(foreign or UNKNOWN, section, problems)
    fill_defaults(result, (foreign or UNKNOWN).defaults)
    return result
