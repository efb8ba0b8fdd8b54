"""Reads a stack from text, as the tests of this package need it: a file in a directory of the test, a known machine."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

from circus_stack.config.load import Machine, load_circus, load_stack
from circus_stack.config.schema import StackConfig, WatcherConfig
from circus_stack.errors import ConfigError, Problem
from circus_stack.services import KINDS
from tests.golden.cases import Everything

APP = "[app:main]\nuse = egg:shop\n"
MACHINE = Machine(cpu_count=lambda: 4, installed=Everything())


def write(folder: Path, text: str, name: str = "app.ini") -> Path:
    path = folder / name
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


def paste(folder: Path, text: str, **more: Any) -> StackConfig:
    more.setdefault("environ", {})
    more.setdefault("machine", MACHINE)
    return load_stack(write(folder, text), service_kinds=KINDS, **more)


def circus(folder: Path, text: str, **environ: str) -> StackConfig:
    return load_circus(write(folder, text, "circus.ini"), environ=environ)


def mistakes(read: Any, *args: Any, **more: Any) -> list[Problem]:
    """The problems of what must be refused."""
    try:
        read(*args, **more)
    except ConfigError as error:
        return list(error.problems)
    raise AssertionError("was accepted")


def watcher(stack: StackConfig, name: str) -> WatcherConfig:
    return next(each for each in stack.watchers if each.name == name)
