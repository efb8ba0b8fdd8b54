"""Declaring a side service in a test as a configuration file would."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from circus_stack.config.option import options_of
from circus_stack.config.schema import CircusConfig, ServiceConfig, SourceKind, StackConfig, WatcherConfig
from circus_stack.config.values import Location
from circus_stack.services import KINDS


def declare(
    kind: str,
    *,
    name: str = "",
    watcher: Mapping[str, object] | None = None,
    optional: bool = False,
    where: Mapping[str, Location] | None = None,
    **texts: object,
) -> ServiceConfig:
    """`[service:NAME]` with options as text, read by the kinds that the recipe declares."""
    declared = {option.name: option for option in options_of(KINDS[kind])}
    values: dict[str, Any] = {key: declared[key].kind.parse(str(text)) for key, text in texts.items()}
    return ServiceConfig(
        name=name or kind,
        kind=kind,
        options=KINDS[kind](**values),
        watcher=watcher or {},
        optional=optional,
        where=where or {},
    )


def stack_of(*services: ServiceConfig, watchers: tuple[WatcherConfig, ...] = ()) -> StackConfig:
    """A stack of nothing but these."""
    return StackConfig(
        source="app.ini", kind=SourceKind.PASTE, circus=CircusConfig(), services=services, watchers=watchers
    )


def program(path: Path) -> str:
    """An executable file that does nothing, where a test only asks whether a binary is found."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)
