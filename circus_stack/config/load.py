"""The passes in their order: read, expand, convert, default, validate. They end in a StackConfig."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import Struct

from circus_stack.config.autoscaling import with_autoscaler
from circus_stack.config.check_stack import check_stack
from circus_stack.config.circus_reader import read_circus
from circus_stack.config.circus_record import build_circus
from circus_stack.config.dialect import APP, CIRCUS
from circus_stack.config.foreign import Translation
from circus_stack.config.includes import with_included
from circus_stack.config.installed import Installed
from circus_stack.config.overrides import NO_OVERRIDES, Overrides, read_aside
from circus_stack.config.parts import Parts, check_titles, read_parts
from circus_stack.config.paste_reader import PASTE_KINDS
from circus_stack.config.problems import Problems
from circus_stack.config.schema import SourceKind, StackConfig
from circus_stack.config.server_schema import ServerConfig
from circus_stack.config.source import read_text
from circus_stack.config.spec import LEGAL_APP, is_application, looks_like_file
from circus_stack.config.values import Location
from circus_stack.config.web import Web, WebInput, build_web


def available_cpus() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0))


class Machine(Struct, frozen=True, kw_only=True):
    """What the answer depends on beside the file: processors, and what is installed. A fake in tests."""

    cpu_count: Callable[[], int] = available_cpus
    installed: Installed


def _this_machine() -> Machine:
    return Machine(installed=Installed())


def load_stack(
    path: Path,
    *,
    app_name: str | None = None,
    server_name: str | None = None,
    variables: Mapping[str, str] | None = None,
    overrides: Overrides = NO_OVERRIDES,
    environ: Mapping[str, str],
    service_kinds: Mapping[str, type],
    machine: Machine | None = None,
) -> StackConfig:
    """A PasteDeploy ini; raises ConfigError with every mistake. `variables` are the NAME=VALUE of the command line."""
    # Here, since a Circus ini needs none of PasteDeploy.
    from circus_stack.config.paste_stack import PasteInput, read_paste_stack

    machine = machine or _this_machine()
    problems = Problems()
    given = PasteInput(
        path=path,
        app_name=app_name,
        server_name=server_name,
        variables=dict(variables or {}),
        overrides=overrides,
        environ=environ,
        service_kinds=service_kinds,
        cpu_count=machine.cpu_count,
        installed=machine.installed,
    )
    found = read_paste_stack(given, problems)
    if found is None:
        problems.raise_mistakes()
        raise AssertionError("a file that could not be read has a mistake")
    return _finish(found.parts, found.web, found.translation, path, overrides)


def load_circus(path: Path, *, overrides: Overrides = NO_OVERRIDES, environ: Mapping[str, str]) -> StackConfig:
    """A Circus ini; raises ConfigError with every mistake."""
    problems = Problems()
    text = read_text(path, problems)
    document = read_circus(text or "", str(path), problems)
    if text is not None and not document.sections:
        problems.add("has no section", Location(str(path)), legal="[circus], [watcher:NAME], [socket:NAME]")
    document, files = with_included(document, environ, problems)
    check_titles(document.sections, (), problems)
    parts = read_parts(document.sections, CIRCUS, environ, {}, problems, has_web=False)
    return dataclasses.replace(_finish(parts, None, None, path, overrides), files=files)


def load_app(
    spec: str,
    *,
    overrides: Overrides = NO_OVERRIDES,
    environ: Mapping[str, str],
    service_kinds: Mapping[str, type] | None = None,
    machine: Machine | None = None,
) -> StackConfig:
    """`serve mod:app`: a stack of one watcher; raises ConfigError. There is no file, so no service either."""
    del service_kinds
    machine = machine or _this_machine()
    problems = Problems()
    if not is_application(spec):
        message = "there is no such file" if looks_like_file(spec) else "this is not an application"
        problems.add(message, found=spec, legal=LEGAL_APP)
    parts = read_parts((), APP, environ, {}, problems, has_web=True)
    translation = Translation(is_own=True)
    given = WebInput(
        app=spec,
        variables={},
        overrides=overrides,
        environ=environ,
        installed=machine.installed,
        cpu_count=machine.cpu_count,
    )
    web = build_web(ServerConfig(), translation, parts, given)
    return _finish(parts, web, translation, None, overrides)


def detect_kind(path: Path) -> SourceKind:
    """Which kind of file it is, by its sections; an unreadable one counts as Paste, whose reader then says so."""
    text = read_text(path, Problems())
    if text is None:
        return SourceKind.PASTE
    sections = read_circus(text, str(path), Problems()).sections
    kinds = {section.kind for section in sections}
    if kinds & {*PASTE_KINDS, "service"}:
        return SourceKind.PASTE
    return SourceKind.CIRCUS if kinds & {"circus", "watcher"} else SourceKind.PASTE


def _finish(
    parts: Parts, web: Web | None, translation: Translation | None, path: Path | None, overrides: Overrides
) -> StackConfig:
    problems = parts.scope.problems
    source = str(path.absolute()) if path is not None else "" if web is None else web.config.app
    name = path.stem if path is not None else source
    stack = StackConfig(
        source=source,
        files=(str(path),) if path is not None else (),
        kind=parts.scope.dialect.kind,
        circus=build_circus(parts, name, translation=translation, overrides=overrides),
        sockets=(*(web.sockets if web else ()), *parts.sockets),
        watchers=(*((web.watcher,) if web else ()), *parts.watchers),
        services=tuple(parts.services),
        plugins=tuple(parts.plugins),
        web=web.config if web else None,
    )
    is_stats_off = read_aside(parts.scope.environ, problems).get("statsd") is False
    stack = with_autoscaler(stack, problems, is_stats_off=is_stats_off)
    check_stack(stack, problems)
    problems.raise_mistakes()
    return stack.with_warnings(problems.warnings)
