"""Results on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.suite.result import ResultError, load, save
from tests.unit.benchmarks.results import figures_of, one_round, part_of, result_of


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    result = result_of(part_of({"a": [10, 20], "b": [5]}), figures_of({"a": {"rss": [3.0]}}))
    path = tmp_path / "new" / "r.json"
    save(result, path)
    assert load(path) == result
    assert [each.name for each in path.parent.iterdir()] == ["r.json"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is no result"),
        ("[]", "is no result"),
        ('{"format": 2}', "is no result"),
        ('{"format": 99}', "has format 99"),
        ("\x00\xff", "is no result"),
    ],
)
def test_a_file_that_is_no_result_is_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "r.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(ResultError, match=words) as caught:
        load(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match="No such file"):
        load(tmp_path / "r.json")


def test_a_round_knows_what_it_is_worth() -> None:
    assert one_round("a", 1, 50).rate == 50
    assert one_round("a", 1, 50).is_clean
    assert not one_round("a", 1, 50, not_2xx=1).is_clean
    assert not one_round("a", 1, 50, errors=1).is_clean
    assert not one_round("a", 1, 0).is_clean
    assert one_round("a", 1, 50, generator_share=0.95).is_saturated
