"""The replies of our circusd to the whole script have the status, keys, types, errno and values of Circus's own."""

from __future__ import annotations

import pytest

from tests.compat.compare import deviations
from tests.compat.differences import DIFFERENCES, row
from tests.compat.scripts import SCRIPT
from tests.compat.step import Step


def test_no_two_steps_have_one_title() -> None:
    assert len({step.title for step in SCRIPT}) == len(SCRIPT) > 150


@pytest.mark.parametrize("step", SCRIPT, ids=lambda step: step.title.replace(" ", "-"))
def test_reply_is_circus_s(step: Step, replies) -> None:
    found = deviations(replies["theirs"][step.title], replies["ours"][step.title])

    assert [str(each) for each in found if row(step.title, each) is None] == [], step


def test_no_row_of_the_table_is_out_of_date(replies) -> None:
    found = {
        row(step.title, each)
        for step in SCRIPT
        for each in deviations(replies["theirs"][step.title], replies["ours"][step.title])
    }

    assert [each.name for each in DIFFERENCES if each.seen and each not in found] == []
