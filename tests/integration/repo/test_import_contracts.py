"""The import contracts against the table they stand for: every import that the table lacks is tried, and told."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.processes import BIN

ROOT = Path(__file__).parents[3]

WORDS = ("states", "events", "errors")
EVERY_PACKAGE = frozenset(
    {"config", "protocol", "system", "services", "arbiter", "streams", "control", "client", "cli"}
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
    "cli": EVERY_PACKAGE,
}


def forbidden_pairs() -> set[tuple[str, str]]:
    """(importer, imported), as lint-imports names them in its report."""
    pairs = {
        (f"circus_stack.{importer}.trespass", f"circus_stack.{imported}")
        for importer, allowed in MAY_IMPORT.items()
        for imported in EVERY_PACKAGE - allowed - {importer}
    }
    pairs |= {(f"circus_stack.{word}", f"circus_stack.{package}") for word in WORDS for package in EVERY_PACKAGE}
    pairs |= {(f"circus_stack.{package}.trespass", "chaussette") for package in EVERY_PACKAGE - {"cli"}}
    pairs |= {("chaussette.trespass", f"circus_stack.{name}") for name in (*EVERY_PACKAGE, *WORDS)}
    return pairs


@pytest.fixture
def trespassers(tmp_path: Path) -> Path:
    """A tree of the same packages, empty but for the imports that must not be."""
    shutil.copy(ROOT / ".importlinter", tmp_path)
    packages = ["circus_stack", "chaussette", *(f"circus_stack/{name}" for name in EVERY_PACKAGE)]
    for package in packages:
        (tmp_path / package).mkdir(exist_ok=True)
        (tmp_path / package / "__init__.py").touch()
    for word in WORDS:
        (tmp_path / "circus_stack" / f"{word}.py").touch()
    for importer, imported in sorted(forbidden_pairs()):
        with (tmp_path / f"{importer.replace('.', '/')}.py").open("a") as module:
            module.write(f"import {imported}\n")
    return tmp_path


def test_every_import_that_the_table_lacks_is_reported(trespassers: Path) -> None:
    report = subprocess.run(
        [BIN / "lint-imports", "--no-cache"], cwd=trespassers, capture_output=True, text=True, timeout=60, check=False
    )

    told = set(re.findall(r"([\w.]+) -> ([\w.]+) \(l", report.stdout))

    assert report.returncode == 1, report.stdout + report.stderr
    assert forbidden_pairs() - told == set()


def test_every_package_stands_in_the_table() -> None:
    packages = {path.parent.name for path in (ROOT / "circus_stack").glob("*/__init__.py")}

    assert packages == EVERY_PACKAGE
