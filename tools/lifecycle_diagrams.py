"""Draws the life cycles of `circus_stack.states` into arbiter/DESIGN.md; `--check` only says whether they differ.

python tools/lifecycle_diagrams.py [--check]
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from circus_stack.states import PROCESS_TABLE, WATCHER_TABLE

PAGE = Path(__file__).parent.parent / "circus_stack" / "arbiter" / "DESIGN.md"
BEGIN = "<!-- life cycles: made by tools/lifecycle_diagrams.py -->"
END = "<!-- end of life cycles -->"


def diagram(title: str, table: Mapping[tuple[StrEnum, StrEnum], StrEnum]) -> str:
    """A Mermaid state diagram of one table."""
    rows = [f"    {state} --> {after}: {step}" for (state, step), after in table.items()]
    return "\n".join([f"**{title}**", "", "```mermaid", "stateDiagram-v2", *rows, "```"])


def page_with_diagrams(text: str) -> str:
    """The page with what stands between the two marks made anew. Raises ValueError where a mark is missing."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE} lacks the marks that the diagrams stand between")
    body = "\n\n".join([diagram("A process", PROCESS_TABLE), diagram("A watcher", WATCHER_TABLE)])
    return f"{before}{BEGIN}\n\n{body}\n\n{END}{after}"


def main() -> int:
    """Rewrite the page, or with --check compare."""
    old = PAGE.read_text(encoding="utf-8")
    new = page_with_diagrams(old)
    if "--check" in sys.argv[1:]:
        if old != new:
            sys.stderr.write(f"{PAGE.name} is not what the tables say: run python {sys.argv[0]}\n")
        return int(old != new)
    PAGE.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
