"""Findings as text for a person, or as JSON. Pure."""

from __future__ import annotations

import dataclasses
import json
import textwrap
from collections.abc import Sequence
from itertools import groupby

from circus_stack.cli.checkup.finding import Finding, Status
from circus_stack.cli.style import BOLD, DIM, GREEN, PLAIN, RED, YELLOW, Style

_TITLES = {
    "python": "Python",
    "library": "Libraries",
    "backend": "Backends",
    "service": "Services",
    "example": "The example's search",
    "machine": "Machine",
    "directory": "Directories",
    "stack": "Running stacks",
    "file": "The stack",
}
_COLOURS = {Status.OK: GREEN, Status.HINT: YELLOW, Status.MISSING: DIM, Status.BROKEN: RED}
_STATUS_WIDTH = max(len(status) for status in Status)
# A table that is narrower than this wraps more than it shows.
_NARROWEST = 60


def as_json(findings: Sequence[Finding]) -> str:
    """`{"ok": bool, "findings": [...]}`, the fields of a finding by their names."""
    found = [dataclasses.asdict(finding) for finding in findings]
    return json.dumps({"ok": not any(finding.is_fatal for finding in findings), "findings": found}, indent=2)


def as_text(findings: Sequence[Finding], *, width: int | None = None, style: Style = PLAIN) -> str:
    """A block an area. With a `width` long lines are wrapped; without one a finding stays one line, for grep."""
    columns = _columns(findings)
    lines: list[str] = []
    for area, group in groupby(findings, key=lambda finding: finding.area):
        lines += ["", style.paint(_TITLES.get(area, area), BOLD)]
        for finding in group:
            lines += _rows(finding, columns, width, style)
    return "\n".join([*lines[1:], "", summary(findings)])


def summary(findings: Sequence[Finding]) -> str:
    """The last line: what must be mended, by name."""
    fatal = [finding.name for finding in findings if finding.is_fatal]
    if fatal:
        return f"Must be mended: {', '.join(fatal)}."
    hints = sum(finding.status is Status.HINT for finding in findings)
    return "All that is required works." + (f" {hints} hint{'s' if hints > 1 else ''}." if hints else "")


def _columns(findings: Sequence[Finding]) -> tuple[int, int]:
    names = max((len(finding.name) for finding in findings), default=0)
    return names, max((len(finding.version) for finding in findings), default=0)


def _rows(finding: Finding, columns: tuple[int, int], width: int | None, style: Style) -> list[str]:
    head = f"{finding.name:<{columns[0]}}  {finding.version:<{columns[1]}}  "
    status = f"{finding.status:<{_STATUS_WIDTH}}"
    indent = 4 + _STATUS_WIDTH + len(head)
    mend = f"mend: {finding.mend}" if finding.mend else ""
    if width is None:
        body = ["; ".join(text for text in (finding.detail, mend) if text)]
    else:
        room = max(width, _NARROWEST) - indent
        # What is to be run stays on one line, however long: the terminal breaks it where a copy of it has no break.
        body = [*textwrap.wrap(finding.detail, room, break_on_hyphens=False), *([mend] if mend else [])] or [""]
    first = f"  {style.paint(status, _COLOURS[finding.status])}  {head}{body[0]}".rstrip()
    return [first, *(" " * indent + line for line in body[1:])]
