"""What a service on the JVM needs beside its own program. Reads only."""

from __future__ import annotations

import glob
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from circus_stack.errors import ServiceUnavailableError
from circus_stack.services.binaries import find_on_path

_INSTALL = "apt-get install default-jre-headless"


def find_java(java_home: str | None, environ: Mapping[str, str]) -> str:
    """The `java` of an option, of JAVA_HOME, or on PATH; raises ServiceUnavailableError."""
    for name, home in (("java_home", java_home), ("JAVA_HOME", environ.get("JAVA_HOME"))):
        if home:
            java = Path(home).expanduser() / "bin" / "java"
            if os.access(java, os.X_OK):
                return str(java)
            raise ServiceUnavailableError(f"{name} is {home!r}, but {str(java)!r} is not a program")
    found = find_on_path(("java",), environ)
    if found is None:
        raise ServiceUnavailableError(f"Java was not found. Install it: {_INSTALL}")
    return found


def require(items: Sequence[str], environ: Mapping[str, str]) -> None:
    """Raise ServiceUnavailableError unless every item is there: a program on PATH, or with a `/` a path or pattern."""
    for item in items:
        found = glob.glob(os.path.expanduser(item)) if "/" in item else find_on_path((item,), environ)  # noqa: PTH111,PTH207
        if not found:
            raise ServiceUnavailableError(f"{item!r}, which it requires, was not found")
