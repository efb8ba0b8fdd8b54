"""One stack with keys for a whole module: its tests change nothing of it, or put it back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.security.guarded import Guarded
from tests.support.stack import Room, room


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Room]:
    with room(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with room(tmp_path_factory.mktemp("guarded")) as made:
        yield Guarded(made)
