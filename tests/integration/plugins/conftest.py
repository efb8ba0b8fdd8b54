"""A stack beside which plugins run: a Circus ini of two watchers, and circus-plugin as a program of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.plugins.beside import Beside
from tests.integration.plugins.datagrams import Datagrams
from tests.support.stack import room


@pytest.fixture
def beside(tmp_path: Path) -> Iterator[Beside]:
    """Everything that runs in it is killed and reaped at the end."""
    with room(tmp_path) as here:
        made = Beside(here)
        yield made
        made.stop()


@pytest.fixture
def statsd() -> Iterator[Datagrams]:
    """A statsd that only listens."""
    server = Datagrams()
    yield server
    server.close()
