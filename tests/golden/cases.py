"""The golden cases: ini files, what the command line adds to each, and how a resolved stack becomes comparable text."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from circus_stack.config.installed import BACKENDS, Installed
from circus_stack.config.load import Machine, load_circus, load_stack
from circus_stack.config.overrides import Overrides
from circus_stack.config.render import render
from circus_stack.config.schema import StackConfig
from circus_stack.errors import ConfigError
from circus_stack.services import KINDS

HERE = Path(__file__).parent
_PROTOCOLS = ("paste.app_factory", "paste.composite_factory", "paste.filter_factory")


class Everything(Installed):
    """A machine on which whatever the files name is installed, but for one distribution."""

    def has_module(self, name: str) -> bool:
        return bool(name)

    def entry_points(self, distribution: str) -> tuple[tuple[str, str], ...] | None:
        if distribution == "not-installed":
            return None
        names = "main urlmap translogger prefix debug public_service service_v3 httpexceptions proxy catch_errors "
        names += "memcache proxy_logging"
        return tuple((protocol, name) for protocol in _PROTOCOLS for name in names.split())

    def backends(self) -> tuple[str, ...]:
        return BACKENDS


@dataclass(frozen=True)
class Case:
    """One file, read once. `name` is that of the golden text, `file` that of the ini."""

    name: str
    file: str
    app_name: str | None = None
    server_name: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    overrides: Overrides = Overrides()
    environ: Mapping[str, str] = field(default_factory=lambda: {"HOME": "/home/ada", "SHOP_ROOT": "/srv/shop"})

    @property
    def golden(self) -> Path:
        return HERE / f"{self.name}.txt"


_SPECIAL = {
    "several_servers_named": {"server_name": "handler0"},
    "named_composite": {"app_name": "osapi"},
    "injected_variables": {"variables": {"SQLALCHEMY_URL": "sqlite://", "LOG_TYPE": "console", "LOG_LEVEL": "INFO"}},
    "environment": {"environ": {"DATABASE_URL": "postgresql://u:100%@db/atlas", "ATLAS_PORT": "6000"}},
    "other_file": {"variables": {"http_port": "9100"}},
}
# What the twelve-factor variables and the flags lay over a file.
_MORE = (
    Case("paste/own_with_variables", "paste/own.ini", environ={"PORT": "5000", "WEB_CONCURRENCY": "3"}),
    Case(
        "paste/own_with_flags",
        "paste/own.ini",
        environ={"PORT": "5000", "WEB_CONCURRENCY": "3"},
        overrides=Overrides(backend="waitress", workers="auto", bind=(":7000", "[::1]:7000"), log_level="warning"),
    ),
    Case("paste/cookiecutter_with_gevent", "paste/cookiecutter.ini", overrides=Overrides(backend="gevent")),
)


def all_cases() -> list[Case]:
    """Every ini of the two folders, and the same file under other circumstances."""
    found = []
    for path in sorted(HERE.glob("*/*.ini")):
        special: dict[str, object] = dict(_SPECIAL.get(path.stem, {}))
        name = str(path.relative_to(HERE).with_suffix(""))
        found.append(Case(name, f"{name}.ini", **special))  # type: ignore[arg-type]
    return [*found, *_MORE]


def resolve(case: Case) -> str:
    """The resolved stack, or the mistakes, with what differs from machine to machine replaced."""
    # A unix socket's path must not grow too long because the checkout stands deep.
    with tempfile.TemporaryDirectory() as stage:
        folder = Path(stage).resolve() / "golden"
        shutil.copytree(HERE, folder, ignore=shutil.ignore_patterns("*.py", "*.txt", "__pycache__"))
        try:
            text = render(load(case, folder))
        except ConfigError as error:
            text = f"refused\n\n{error}\n"
    return text.replace(str(folder), "HERE").replace(sys.executable, "python")


def load(case: Case, folder: Path = HERE) -> StackConfig:
    """The stack of a case whose files stand in `folder`; raises ConfigError."""
    path = folder / case.file
    if path.parent.name == "circus":
        return load_circus(path, environ=case.environ)
    return load_stack(
        path,
        app_name=case.app_name,
        server_name=case.server_name,
        variables=case.variables,
        overrides=case.overrides,
        environ=case.environ,
        service_kinds=KINDS,
        machine=Machine(cpu_count=lambda: 4, installed=Everything()),
    )
