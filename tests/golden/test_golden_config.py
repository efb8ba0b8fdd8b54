"""Each form of ini that is promised to run unchanged, with the stack that it resolves to beside it."""

from __future__ import annotations

import pytest

from tests.golden.cases import HERE, Case, all_cases, resolve

CASES = all_cases()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_resolved_stack_is_as_recorded(case: Case) -> None:
    assert resolve(case) == case.golden.read_text(encoding="utf-8"), "python -m tests.golden.resolve writes it again"


def test_every_recorded_text_has_a_case() -> None:
    assert {case.golden for case in CASES} == set(HERE.glob("*/*.txt"))
