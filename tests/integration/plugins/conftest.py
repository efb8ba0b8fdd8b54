"""Stacks beside which plugins run: programs of their own, or threads of the test."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.plugins.beside import Beside
from tests.integration.plugins.datagrams import Datagrams
from tests.integration.plugins.inside import Inside, Lines
from tests.support.stack import room


@pytest.fixture
def beside(tmp_path: Path) -> Iterator[Beside]:
    """Everything that runs in it is killed and reaped at the end."""
    with room(tmp_path) as here:
        made = Beside(here)
        yield made
        made.stop()


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch) -> Iterator[Inside]:
    """Everything that runs in it has ended at the end."""
    base = Path(tempfile.mkdtemp(prefix="cs", dir="/tmp"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(base))
    monkeypatch.setenv("XDG_STATE_HOME", str(base))
    log = Lines()
    logger = logging.getLogger("circus_stack.plugins")
    level = logger.level
    logger.addHandler(log)
    logger.setLevel(logging.DEBUG)
    made = Inside(base, log)
    try:
        yield made
    finally:
        made.stop()
        logger.removeHandler(log)
        logger.setLevel(level)
        shutil.rmtree(base, ignore_errors=True)


@pytest.fixture
def statsd() -> Iterator[Datagrams]:
    """A statsd that only listens."""
    server = Datagrams()
    yield server
    server.close()
