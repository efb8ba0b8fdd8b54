"""The documents: their links lead somewhere, and the make targets that they name exist."""

from __future__ import annotations

import re
from pathlib import Path

from tests.unit.repo.tree import ROOT, documents, relative

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
# Of a line that begins with `make`, the words that are targets: ARGS="..." and what follows it are not.
MAKE = re.compile(r"(?:^ {4}|`|\$ )make ([a-z-]+)", re.MULTILINE)


def anchors(text: str) -> set[str]:
    """The anchors that a Markdown reader makes of headings."""
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in HEADING.findall(text)}


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def leads_somewhere(page: Path, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = (page.parent / name) if name else page
    return "://" in link or (target.exists() and (not anchor or anchor in anchors(target.read_text())))


def test_links_lead_somewhere() -> None:
    links = [(page, link) for page in documents() for link in LINK.findall(page.read_text())]

    assert links
    assert [f"{relative(page)}: {link}" for page, link in links if not leads_somewhere(page, link)] == []


def test_make_targets_exist() -> None:
    named = [(page, target) for page in documents() for target in MAKE.findall(page.read_text())]

    assert named
    assert [f"{relative(page)}: make {target}" for page, target in named if target not in targets()] == []


def test_every_make_target_explains_itself() -> None:
    makefile = (ROOT / "Makefile").read_text()
    explained = set(re.findall(r"^([a-z-]+):.*## .+$", makefile, re.MULTILINE))
    required = {
        "install",
        "serve",
        "test",
        "lint",
        "check",
        "clean",
        "meinheld",
        "format",
        "example-test",
        "help",
        "bench",
    }

    assert explained == required
