"""Which commands are our own chaussette, and what they say."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from circus_stack.config.chaussette_command import backend_of, runs_chaussette

OURS = str(Path(sys.executable).parent / "chaussette")


@pytest.mark.parametrize(
    "cmd", ["chaussette --fd 3 a.b", f"{OURS} a.b", f"{sys.executable} -m chaussette a.b", "python3 -m chaussette"]
)
def test_our_own(cmd: str) -> None:
    assert runs_chaussette(cmd)


@pytest.mark.parametrize(
    "cmd", ["", "/old/bin/chaussette a.b", "gunicorn chaussette", "python -m other", "x 'unbalanced"]
)
def test_others(cmd: str) -> None:
    assert not runs_chaussette(cmd)


def test_the_backend() -> None:
    assert backend_of("chaussette --fd 3 --backend gevent a.b") == "gevent"
    assert backend_of("/x/chaussette --backend=meinheld a.b") == "meinheld"
    assert backend_of("python -m chaussette a.b") == "wsgiref"
    assert backend_of("redis-server --backend x") == ""
