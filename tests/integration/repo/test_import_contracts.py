"""The import contracts against the table they stand for: every import that the table lacks is tried, and told."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.processes import BIN

ROOT = Path(__file__).parents[3]

WORDS = ("states", "events", "errors", "exits", "literals", "scaling")
# daemon is a module; a package does as well for these tests.
EVERY_PACKAGE = frozenset(
    {
        *("config", "protocol", "system", "services", "arbiter", "streams", "control", "client", "plugins", "stats"),
        *("top", "web", "api", "moving", "daemon", "cli"),
    }
)

# The table of docs/architecture.md, but for the words, which every package may import.
MAY_IMPORT: dict[str, frozenset[str]] = {
    "config": frozenset(),
    "protocol": frozenset(),
    "system": frozenset(),
    "services": frozenset({"config"}),
    "arbiter": frozenset({"config", "services", "system"}),
    "streams": frozenset({"config", "services", "system"}),
    "control": frozenset({"config", "protocol", "arbiter", "streams"}),
    "client": frozenset({"protocol"}),
    "plugins": frozenset({"protocol", "client"}),
    "stats": frozenset({"protocol", "client"}),
    "top": frozenset({"protocol", "client"}),
    "web": frozenset({"protocol", "client"}),
    "api": EVERY_PACKAGE - {"cli", "moving"},
    "moving": frozenset({"config"}),
    "daemon": EVERY_PACKAGE - {"cli", "moving"},
    "cli": EVERY_PACKAGE,
}


def package_trespasses() -> set[tuple[str, str]]:
    """(importer, imported) for each step between packages that must not be."""
    pairs = {
        (f"circus_stack.{importer}.trespass", f"circus_stack.{imported}")
        for importer, allowed in MAY_IMPORT.items()
        for imported in EVERY_PACKAGE - allowed - {importer}
    }
    pairs |= {(f"circus_stack.{word}", f"circus_stack.{package}") for word in WORDS for package in EVERY_PACKAGE}
    pairs |= {(f"circus_stack.{package}.trespass", "chaussette") for package in EVERY_PACKAGE - {"daemon", "cli"}}
    pairs |= {("chaussette.trespass", f"circus_stack.{name}") for name in (*EVERY_PACKAGE, *WORDS)}
    return pairs


def contracts(kind: str) -> list[configparser.SectionProxy]:
    """The contracts of one type."""
    parser = configparser.ConfigParser()
    parser.read(ROOT / ".importlinter")
    return [section for section in parser.values() if section.get("type") == kind]


def is_ours(module: str) -> bool:
    return module.startswith(("circus_stack", "chaussette"))


def library_owners() -> dict[str, list[str]]:
    """Each library that a contract protects -> the modules or packages that may import it."""
    return {
        library: contract["allowed_importers"].split()
        for contract in contracts("protected")
        for library in contract["protected_modules"].split()
        if not is_ours(library)
    }


def library_trespasses() -> set[tuple[str, str]]:
    """(importer, library) for each package that is no owner of a protected library, or that one is forbidden to."""
    packages = {"chaussette", *(f"circus_stack.{package}" for package in EVERY_PACKAGE)}
    protected = {
        (package, library) for library, owners in library_owners().items() for package in packages - set(owners)
    }
    forbidden = {
        (source, library)
        for contract in contracts("forbidden")
        for source in contract["source_modules"].split()
        for library in contract["forbidden_modules"].split()
        if not is_ours(library)
    }
    return {
        (f"{importer}.trespass" if importer in packages else importer, library)
        for importer, library in protected | forbidden
    }


def write_import(tree: Path, importer: str, imported: str) -> None:
    """A package imports in its __init__; everything else is a module."""
    path = tree / importer.replace(".", "/")
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    path.parent.mkdir(parents=True, exist_ok=True)
    for package in path.relative_to(tree).parents[:-1]:
        (tree / package / "__init__.py").touch()
    with path.open("a") as module:
        module.write(f"import {imported}\n")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The packages and the words, empty, with the libraries imported where they may be."""
    shutil.copy(ROOT / ".importlinter", tmp_path)
    for package in ["circus_stack", "chaussette", "chaussette/backends", *(f"circus_stack/{p}" for p in EVERY_PACKAGE)]:
        (tmp_path / package).mkdir(exist_ok=True)
        (tmp_path / package / "__init__.py").touch()
    for word in WORDS:
        (tmp_path / "circus_stack" / f"{word}.py").touch()
    for library, owners in library_owners().items():
        for owner in owners:
            write_import(tmp_path, owner, library)
    return tmp_path


def lint_imports(tree: Path) -> tuple[int, str]:
    """Exit status and report."""
    done = subprocess.run(
        [BIN / "lint-imports", "--no-cache"], cwd=tree, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_what_the_table_allows_is_kept(tree: Path) -> None:
    for importer, allowed in MAY_IMPORT.items():
        for imported in (*allowed - {importer}, *WORDS):
            write_import(tree, f"circus_stack.{importer}.visit", f"circus_stack.{imported}")

    status, report = lint_imports(tree)

    assert status == 0, report


def test_every_import_that_the_table_lacks_is_reported(tree: Path) -> None:
    trespasses = package_trespasses() | library_trespasses()
    for importer, imported in sorted(trespasses):
        write_import(tree, importer, imported)

    status, report = lint_imports(tree)

    assert status == 1, report
    assert trespasses - set(re.findall(r"([\w.]+) -> ([\w.]+) \(l", report)) == set()


def test_every_package_stands_in_the_table() -> None:
    packages = {path.parent.name for path in (ROOT / "circus_stack").glob("*/__init__.py")}

    assert packages | {"daemon"} == EVERY_PACKAGE
