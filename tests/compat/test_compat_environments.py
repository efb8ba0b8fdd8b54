"""Neither package can be imported where the other one is compared: what is seen is never one beside itself."""

from __future__ import annotations

import subprocess

from tests.compat.released import PEER_PYTHON
from tests.support.processes import PYTHON

IMPORTS = "import importlib.util, sys; sys.exit(importlib.util.find_spec(sys.argv[1]) is None)"


def can_import(python: str, package: str) -> bool:
    return subprocess.run([python, "-c", IMPORTS, package], cwd="/", check=False, timeout=60).returncode == 0


def test_the_released_circus_stands_alone() -> None:
    assert can_import(str(PEER_PYTHON), "circus")
    assert not can_import(str(PEER_PYTHON), "circus_stack")


def test_ours_stands_alone() -> None:
    assert can_import(PYTHON, "circus_stack")
    assert not can_import(PYTHON, "circus")


def test_it_is_the_version_that_ours_is_measured_by() -> None:
    ask = "from importlib.metadata import version; print(version('circus'))"
    told = subprocess.run([PEER_PYTHON, "-c", ask], capture_output=True, text=True, check=True, timeout=60)

    assert told.stdout.startswith("0.19.")
