"""Paths of files as a configuration writes them: relative to the file that names them. Pure."""

from __future__ import annotations

from pathlib import Path

from circus_stack.config.values import Location


def beside(path: str, where: Location) -> str:
    """The absolute path; `-` in front, of a file that may lack, stays."""
    mark = "-" if path.startswith("-") else ""
    return mark + str((Path(where.file).parent / path.removeprefix("-")).absolute())
