"""docs/benchmarks.md is the report of the result that stands beside it."""

from __future__ import annotations

from benchmarks.suite.report import markdown
from benchmarks.suite.result import load
from tests.unit.repo.tree import ROOT


def test_the_documented_figures_are_those_of_the_stored_result() -> None:
    result = load(ROOT / "docs" / "benchmarks.json")
    assert result.is_complete
    written = (ROOT / "docs" / "benchmarks.md").read_text()
    assert written == markdown.render(result), (
        "circus-stack bench report docs/benchmarks.json -o docs/benchmarks.md --force"
    )
    told = (ROOT / "docs" / "benchmarks.json").read_text()
    assert not any(place in told for place in ("/root/", "/home/", "/tmp/"))
