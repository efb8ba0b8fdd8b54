"""A PasteDeploy file as a whole: its server section, its application, our own sections. Ends in parts and web."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import Struct, structs

from circus_stack.config.dialect import PASTE
from circus_stack.config.document import Document
from circus_stack.config.foreign import Translation
from circus_stack.config.installed import Installed
from circus_stack.config.kinds import parse_paths
from circus_stack.config.logging_check import check_logging
from circus_stack.config.overrides import Overrides
from circus_stack.config.parts import Parts, check_titles, is_own, read_parts
from circus_stack.config.paste_graph import AppWalk, app_names
from circus_stack.config.paste_loader import Files, LazyLoader
from circus_stack.config.paste_reader import APP_KINDS, DEFAULT, PASTE_KINDS
from circus_stack.config.problems import Problems, nearest
from circus_stack.config.server_schema import ServerConfig
from circus_stack.config.server_section import read_server
from circus_stack.config.spec import LEGAL_APP, is_application
from circus_stack.config.values import Location
from circus_stack.config.web import Web, WebInput, build_web, read_server_config

# Sections that PasteDeploy, pserve, logging and common tools read: no misspelling of ours.
_OTHER_KINDS = (*PASTE_KINDS, DEFAULT, "loggers", "handlers", "formatters", "pserve", "pshell", "alembic", "uwsgi")


class PasteInput(Struct, frozen=True, kw_only=True):
    """All that decides what a file comes to."""

    path: Path
    app_name: str | None
    server_name: str | None
    variables: Mapping[str, str]
    overrides: Overrides
    environ: Mapping[str, str]
    service_kinds: Mapping[str, type]
    cpu_count: Callable[[], int]
    installed: Installed


class PasteStack(Struct, frozen=True):
    """What the file comes to, before the checks of the whole."""

    parts: Parts
    web: Web | None
    translation: Translation


def read_paste_stack(given: PasteInput, problems: Problems) -> PasteStack | None:
    """None if the file can't be read at all; every other mistake lets the passes go on."""
    loader = Files(problems, given.environ, given.variables).loader(str(given.path))
    if loader is None:
        return None
    document = loader.document
    check_titles(document.sections, _OTHER_KINDS, problems)
    check_logging(loader)
    _check_bare(document, problems)
    has_web = given.app_name is not None or any(each.kind in (*APP_KINDS, "server") for each in document.sections)
    own = [loader.interpolated(section) for section in document.sections if is_own(section)]
    parts = read_parts(own, PASTE, given.environ, given.service_kinds, problems, has_web=has_web)
    translation = read_server(loader, given.server_name, problems) if has_web else Translation(is_own=True)
    if not has_web:
        _check_something(document, parts, problems)
        return PasteStack(parts, None, translation)
    server = read_server_config(translation, problems)
    app = _application(loader, server, given, parts, problems)
    web = build_web(server, translation, parts, _web_input(app, loader, given))
    return PasteStack(parts, _anchored(web, given.path), translation)


def _anchored(web: Web, path: Path) -> Web:
    """Files to watch are relative to the ini, as pserve takes them."""
    folder = path.absolute().parent
    files = tuple(str(folder / each) for each in web.config.watch_files)
    return structs.replace(web, config=structs.replace(web.config, watch_files=files))


def _check_bare(document: Document, problems: Problems) -> None:
    """[app] is not [app:main]: PasteDeploy looks for the name."""
    for section in document.sections:
        if section.title in (*APP_KINDS, "server"):
            legal = f"[{section.title}:main]"
            problems.add(
                "has no name, and PasteDeploy does not find it", section.where, section=section.title, legal=legal
            )


def _check_something(document: Document, parts: Parts, problems: Problems) -> None:
    if not parts.watchers and not parts.services and not problems.mistakes:
        legal = "[app:main] and [server:main], or [watcher:NAME], or [service:NAME]"
        problems.add("has nothing to run", Location(document.path), legal=legal)


def _web_input(app: str, loader: LazyLoader, given: PasteInput) -> WebInput:
    return WebInput(
        app=app,
        variables=given.variables if app.startswith("paste:") else {},
        overrides=given.overrides,
        environ=given.environ,
        installed=given.installed,
        cpu_count=given.cpu_count,
        watch_files=_watch_files(loader),
    )


def _watch_files(loader: LazyLoader) -> tuple[str, ...]:
    """pserve's own option."""
    section = loader.document.find("pserve")
    entry = section.find("watch_files") if section is not None else None
    if section is None or entry is None:
        return ()
    found = []
    for path in parse_paths(loader.value(section, entry)):
        if ":" in path:
            # package:path; finding it would import the package.
            problems = loader.files.problems
            problems.warn("is not watched: it is no path", entry.where, section="pserve", option=entry.key, found=path)
        else:
            found.append(path)
    return tuple(found)


def _application(loader: LazyLoader, server: ServerConfig, given: PasteInput, parts: Parts, problems: Problems) -> str:
    """The application in chaussette's form, checked as far as that goes without importing it."""
    if server.app is not None and given.app_name is None:
        if not is_application(server.app):
            where = server.where.get("app")
            problems.add(
                "is not an application", where, section="server:main", option="app", found=server.app, legal=LEGAL_APP
            )
        return server.app
    name = given.app_name or "main"
    if _check_path(given.path, problems) and _check_name(name, loader, given, problems):
        # Another interpreter, or another path, may find what this one does not.
        is_our_python = parts.web is None or "cmd" not in parts.web.values
        is_our_path = "PYTHONPATH" not in parts.scope.environment.of_watcher("web") and not server.python_path
        AppWalk(loader, given.installed, check_installed=is_our_python and is_our_path).visit(name)
    return f"paste:{given.path.absolute()}#{name}"


def _check_path(path: Path, problems: Problems) -> bool:
    text = str(path.absolute())
    if "#" not in text and "?" not in text:
        return True
    problems.add("has a # or a ? in its path, which PasteDeploy takes for the end of it", Location(str(path)))
    return False


def _check_name(name: str, loader: LazyLoader, given: PasteInput, problems: Problems) -> bool:
    names = app_names(loader)
    if name in names:
        return True
    where = Location(loader.filename)
    if not names:
        legal = "a section [app:main], or app = module:callable in [server:main]"
        problems.add("has no application", where, legal=legal)
    elif given.app_name is None:
        problems.add("has no application named main", where, legal="--app-name with one of: " + ", ".join(names))
    else:
        problems.add(
            "there is no such application",
            where,
            option="--app-name",
            found=name,
            legal=", ".join(names),
            nearest=nearest(name, names),
        )
    return False
