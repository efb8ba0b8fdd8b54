"""What a recipe is given and what it returns: frozen values, nothing that acts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, field

from circus_stack.config.schema import ServiceConfig, WatcherConfig


class ServicePlan(Struct, frozen=True):
    """One side service, ready to be placed and started.

    `files` (path -> text, mode 0600) and `directories` (mode 0700, parents before children) must exist before the
    watcher starts. `seeds` (directory -> the directory that it is a copy of) are made once and then the service's own.
    `exports` are environment variables for every watcher that depends on the service.
    """

    watcher: WatcherConfig
    files: Mapping[Path, str] = field(default_factory=dict)
    directories: tuple[Path, ...] = ()
    seeds: Mapping[Path, Path] = field(default_factory=dict)
    exports: Mapping[str, str] = field(default_factory=dict)


class Site(Struct, frozen=True, kw_only=True):
    """Where a service is to live, and what a recipe may know of the machine.

    `state_dir` is the service's own and outlives a run; `runtime_dir` is the stack's, short, and gone after it.
    """

    service: ServiceConfig
    state_dir: Path
    runtime_dir: Path
    environ: Mapping[str, str]
    python: str
    is_root: bool

    @property
    def prefix(self) -> str:
        """What the exported variables begin with: REDIS for `[service:redis]`, SESSIONS for `[service:sessions]`."""
        return "".join(char if char.isalnum() else "_" for char in self.service.name).upper()

    @property
    def has_own_command(self) -> bool:
        """Whether the section itself says what to run, so that no binary needs to be found."""
        return bool(self.service.watcher.get("cmd"))
