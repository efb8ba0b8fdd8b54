"""Fixtures of the chaussette tests: a supervisor that ends its workers, and a listening socket."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.chaussette.workers import Supervisor, listening


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    made = Supervisor(tmp_path)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with listening(("127.0.0.1", 0)) as sock:
        yield sock
