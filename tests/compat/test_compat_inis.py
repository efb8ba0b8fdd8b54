"""The same ini makes the same processes, options and files: words, environment, directories, limits, users, output."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.compat.compare import deviations, told
from tests.compat.daemons import on_both
from tests.compat.differences import row, unseen
from tests.compat.inis import REPORTS, TEXTS, WATCHERS, run
from tests.support.stack import Room

TITLES = (
    *(f"process {name}" for name in REPORTS),
    *(f"options {name}" for name in WATCHERS),
    *(f"file {name}" for name in TEXTS),
    *(f"mode {name}" for name in TEXTS),
    *("status", "list", "console", "socket mode", "owner"),
)


@pytest.fixture(scope="module")
def made(place: Room) -> Iterator[dict[str, dict[str, Any]]]:
    """What each side made of the ini, by side and title."""
    yield on_both(lambda side: run(place, side))


@pytest.mark.parametrize("title", TITLES, ids=lambda title: title.replace(" ", "-"))
def test_ini_means_the_same(title: str, made) -> None:
    found = deviations(made["theirs"][title], made["ours"][title])

    defects = [each for each in found if row("ini", title, each) is None]
    assert not defects, told(defects)


def test_everything_that_was_made_is_compared(made) -> None:
    assert set(made["theirs"]) == set(TITLES)


def test_no_row_of_the_table_is_out_of_date(made) -> None:
    found = {
        row("ini", title, each) for title in TITLES for each in deviations(made["theirs"][title], made["ours"][title])
    }

    assert unseen("ini", found) == []
