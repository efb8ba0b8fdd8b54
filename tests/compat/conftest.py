"""The fixtures of the comparison: a room for the programs of a module, and both daemons gone through the script."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.compat.daemons import on_both, start
from tests.compat.scripts import INI, SCRIPT
from tests.compat.wire import Reply
from tests.support.stack import Room, room

Replies = dict[str, dict[str, Reply]]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """One for all tests of a module, so that a daemon is started once."""
    with room(tmp_path_factory.mktemp("compat")) as made:
        yield made


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Room]:
    with room(tmp_path) as made:
        yield made


@pytest.fixture(scope="session")
def replies(tmp_path_factory: pytest.TempPathFactory) -> Replies:
    """What each side answered to each step, by side and title. Both go through the script at the same time."""
    with room(tmp_path_factory.mktemp("script")) as made:
        return on_both(lambda side: _run(made, side))


def _run(here: Room, side: str) -> dict[str, Reply]:
    daemon = start(here, side, INI)
    left: list[int] = []
    answers: dict[str, Reply] = {}
    try:
        for step in SCRIPT:
            if step.properties.get("nostop"):
                left += daemon.pids(step.properties["name"])
            answers[step.title] = step.run(daemon)
        return answers
    finally:
        daemon.close()
        for pid in left:
            os.kill(pid, signal.SIGKILL)
