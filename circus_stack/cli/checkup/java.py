"""What the search of the example runs on: a JDK to compile its stand-in, and Lucene."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import circus_stack
from circus_stack.cli.checkup.finding import Finding, Status
from circus_stack.errors import ServiceUnavailableError
from circus_stack.services.binaries import find_on_path
from circus_stack.services.java import find_java
from circus_stack.system.inquiry import inquire

_TIMEOUT_S = 15.0
_OLDEST = 17
_JDK = "apt-get install default-jdk-headless"
_LUCENE = "apt-get install liblucene8-java"
_AREA = "example"


def has_example() -> bool:
    """Whether the example stands beside the package: only a clone has it."""
    return (Path(circus_stack.__file__).parents[1] / "examples" / "pyramid_app").is_dir()


def look_at_java(environ: Mapping[str, str]) -> Iterator[Finding]:
    """The Java that would be taken, its version, and the compiler beside it."""
    try:
        java = find_java(None, environ)
    except ServiceUnavailableError as error:
        yield Finding(_AREA, "java", Status.MISSING, "", str(error).partition(" Install")[0], _JDK)
        return
    answer = inquire([java, "-version"], env=environ, timeout_s=_TIMEOUT_S)
    match = re.search(r'version "(\d+)([^"]*)', answer.errors)
    if answer.exit_code != 0 or not match:
        yield Finding(_AREA, "java", Status.BROKEN, "", f"{java} -version: {answer.errors.strip()}", _JDK)
        return
    is_old = int(match[1]) < _OLDEST
    yield Finding(
        _AREA,
        "java",
        Status.BROKEN if is_old else Status.OK,
        match[1] + match[2],
        f"{java} is older than {_OLDEST}" if is_old else java,
        _JDK if is_old else "",
    )
    yield _javac(environ)


def _javac(environ: Mapping[str, str]) -> Finding:
    home = environ.get("JAVA_HOME")
    javac = str(Path(home) / "bin" / "javac") if home else find_on_path(("javac",), environ)
    if javac and Path(javac).exists():
        return Finding(_AREA, "javac", Status.OK, "", javac)
    return Finding(_AREA, "javac", Status.MISSING, "", "the compiler of the search stand-in was not found", _JDK)


def look_at_lucene(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Lucene 8, as Debian installs it or where LUCENE_JARS says."""
    place = environ.get("LUCENE_JARS") or "/usr/share/java"
    jars = [glob.glob(f"{glob.escape(place)}/lucene-{part}-8*.jar") for part in ("core", "queryparser")]  # noqa: PTH207
    if all(jars):
        version = Path(jars[0][0]).stem.removeprefix("lucene-core-")
        yield Finding(_AREA, "lucene", Status.OK, version, place)
    else:
        yield Finding(_AREA, "lucene", Status.MISSING, "", f"lucene-core-8*.jar is not in {place}", _LUCENE)
