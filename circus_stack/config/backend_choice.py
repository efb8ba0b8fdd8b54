"""Which WSGI server the workers run. Pure, but for looking at what is installed."""

from __future__ import annotations

from circus_stack.config.foreign import THREADED, Translation
from circus_stack.config.foreign_table import nearest_backend
from circus_stack.config.installed import BACKENDS, Installed
from circus_stack.config.problems import Problems, nearest
from circus_stack.config.server_schema import ServerConfig
from circus_stack.config.values import NOWHERE, Location


def choose_backend(
    server: ServerConfig, translation: Translation, flag: str | None, installed: Installed, problems: Problems
) -> str:
    """The backend that flag or section name; else the first that is installed of those that come near to the server."""
    named = flag if flag is not None else server.backend
    meant = translation.backends if named is None else (named,)
    # The others are asked for only where they are meant: that reads the metadata of all that is installed.
    known = BACKENDS if all(name in BACKENDS for name in meant) else installed.backends()
    if flag is not None:
        return _checked_backend(flag, "", NOWHERE, "--backend", known, problems)
    if server.backend is not None:
        if not translation.is_own:
            return _old_backend(server.backend, translation, server.where.get("backend"), known, problems)
        where = server.where.get("backend", translation.where)
        return _checked_backend(server.backend, translation.section, where, "backend", known, problems)
    usable = [name for name in translation.backends if name in known]
    return next((name for name in usable if name == "wsgiref" or installed.has_module(name)), usable[0])


def _checked_backend(
    name: str, section: str, where: Location, option: str, known: tuple[str, ...], problems: Problems
) -> str:
    if name in known:
        return name
    problems.add(
        "is not a backend",
        where,
        section=section,
        option=option,
        found=name,
        legal=", ".join(known),
        nearest=nearest(name, known),
    )
    return THREADED[-1]


def _old_backend(
    name: str, translation: Translation, where: Location | None, known: tuple[str, ...], problems: Problems
) -> str:
    """Chaussette's own section may name backends that are gone."""
    found = nearest_backend(name, known)
    if found is None:
        return _checked_backend(name, translation.section, where or translation.where, "backend", known, problems)
    if found != name:
        problems.warn(
            f"{name} is no backend any more; {found} takes its place",
            where,
            section=translation.section,
            option="backend",
        )
    return found
