"""The replies of our circusd to the whole script have the status, keys, types, errno and values of Circus's own."""

from __future__ import annotations

import pytest

from tests.compat.compare import deviations, told
from tests.compat.differences import row, unseen
from tests.compat.scripts import SCRIPT
from tests.compat.step import Step


def test_no_two_steps_have_one_title() -> None:
    assert len({step.title for step in SCRIPT}) == len(SCRIPT) > 150


@pytest.mark.parametrize("step", SCRIPT, ids=lambda step: step.title.replace(" ", "-"))
def test_reply_is_circus_s(step: Step, replies) -> None:
    found = deviations(replies["theirs"][step.title], replies["ours"][step.title])

    defects = [each for each in found if row("replies", step.title, each) is None]
    assert not defects, f"{step}\n{told(defects)}"


def test_no_row_of_the_table_is_out_of_date(replies) -> None:
    found = {
        row("replies", step.title, each)
        for step in SCRIPT
        for each in deviations(replies["theirs"][step.title], replies["ours"][step.title])
    }

    assert unseen("replies", found) == []
