"""The fixture of these tests: a room whose directories other users may enter, since some programs run as one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.stack import Room, room


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Room]:
    with room(tmp_path) as made:
        made.base.chmod(0o755)
        yield made
