"""A stack of a few processes with a console beside it, for the tests of one file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.web.console import Console, start_console
from tests.support.stack import Room, RunningStack, room

_INI = """
[watcher:job]
cmd = sleep 1000
numprocesses = 2
copy_env = true

[watcher:idle]
cmd = sleep 1000
autostart = false
"""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with room(tmp_path_factory.mktemp("console")) as made:
        yield made


@pytest.fixture(scope="module")
def stack(here: Room, tmp_path_factory: pytest.TempPathFactory) -> RunningStack:
    ini: Path = tmp_path_factory.mktemp("ini") / "app.ini"
    ini.write_text(_INI)
    stack = here.serve(str(ini))
    stack.wait_pids(2, watcher="job")
    return stack


@pytest.fixture(scope="module")
def console(here: Room, stack: RunningStack) -> Console:
    return start_console(here, stack)
