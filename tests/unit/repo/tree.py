"""The files of the checkout that the tests of the repository look at. Reading only."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[3]


def python_files() -> list[Path]:
    """All modules of the two packages, in a steady order."""
    return _files("*.py")


def documents() -> list[Path]:
    """All pages that a reader may open."""
    tops = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "examples/pyramid_app/README.md"]
    return sorted([*tops, *(ROOT / "docs").rglob("*.md"), *_files("*.md")])


def _files(pattern: str) -> list[Path]:
    """Of our packages; what npm has fetched for the page of the console is not ours."""
    found = (path for package in ("circus_stack", "chaussette") for path in (ROOT / package).rglob(pattern))
    return sorted(path for path in found if "node_modules" not in path.parts)


def relative(path: Path) -> str:
    """A name for test ids and messages."""
    return str(path.relative_to(ROOT))
