"""What a command line that runs our own chaussette says. Pure: a look at words."""

from __future__ import annotations

import sys
from functools import lru_cache
from pathlib import Path

from circus_stack.config.words import split

_DEFAULT_BACKEND = "wsgiref"


def runs_chaussette(cmd: str) -> bool:
    """Whether a command runs the chaussette that stands beside us, which always says READY=1: by its bare name, by its
    path in our own environment, or as `python -m chaussette`. One in another environment may be an older one."""
    words = _words(cmd)
    if not words:
        return False
    program = Path(words[0])
    if program.name == "chaussette":
        return str(program) == "chaussette" or program.parent == Path(sys.executable).parent
    return program.name.startswith("python") and words[1:3] == ["-m", "chaussette"]


@lru_cache(maxsize=256)
def backend_of(cmd: str) -> str:
    """The backend that a chaussette's command line names; empty for another program."""
    words = _words(cmd)
    if not any(Path(word).name == "chaussette" for word in words[:3]):
        return ""
    for position, word in enumerate(words):
        if word == "--backend" and position + 1 < len(words):
            return words[position + 1]
        if word.startswith("--backend="):
            return word.partition("=")[2]
    return _DEFAULT_BACKEND


def _words(cmd: str) -> list[str]:
    try:
        return split(cmd)
    except ValueError:
        return []
