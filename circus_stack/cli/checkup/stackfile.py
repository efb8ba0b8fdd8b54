"""The stack of one ini: whether it can be read, and whether what it names works here."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path

from circus_stack.cli.checkup.backends import look_at_backends
from circus_stack.cli.checkup.finding import Finding, Status
from circus_stack.cli.checkup.services import ServiceProbe
from circus_stack.config.load import detect_kind, load_circus, load_stack
from circus_stack.config.schema import SourceKind, StackConfig
from circus_stack.errors import ConfigError
from circus_stack.services import KINDS

_AREA = "file"


def look_at_stack(ini: Path, environ: Mapping[str, str]) -> Iterator[Finding]:
    """The file, its warnings, its backend and its services; what isn't optional is required."""
    try:
        stack = _load(ini, environ)
    except ConfigError as error:
        for problem in error.problems:
            yield Finding(_AREA, ini.name, Status.BROKEN, "", str(problem), is_required=True)
        return
    names = [watcher.name for watcher in stack.watchers] + [service.name for service in stack.services]
    yield Finding(_AREA, ini.name, Status.OK, stack.kind, f"it runs {', '.join(names) or 'nothing'}", is_required=True)
    for warning in stack.warnings:
        yield Finding(_AREA, ini.name, Status.HINT, "", str(warning))
    for finding in _needs(stack, environ):
        yield dataclasses.replace(finding, area=_AREA)


def _load(ini: Path, environ: Mapping[str, str]) -> StackConfig:
    if detect_kind(ini) is SourceKind.CIRCUS:
        return load_circus(ini, environ=environ)
    return load_stack(ini, environ=environ, service_kinds=KINDS)


def _needs(stack: StackConfig, environ: Mapping[str, str]) -> Iterator[Finding]:
    if stack.web is not None:
        yield from look_at_backends([stack.web.backend], environ, is_required=True)
    for service in stack.services:
        yield from ServiceProbe(service, is_required=not service.optional).look(environ)
