"""The page of routes is the one that the declarations make; every route has what a document needs."""

from __future__ import annotations

from pathlib import Path

from circus_stack.web.api.reference import all_routes, render_reference

PAGE = Path(__file__).parents[3] / "docs" / "http-api.md"


def test_the_page_is_current(tmp_path: Path) -> None:
    text = render_reference(all_routes(tmp_path))
    assert PAGE.read_text() == text, "python -m circus_stack.web.api.reference writes it again"


def test_no_two_routes_are_the_same_and_each_is_explained(tmp_path: Path) -> None:
    routes = all_routes(tmp_path)
    assert len({(each.method, each.path) for each in routes}) == len(routes)
    assert [each.path for each in routes if not each.summary.endswith(".") or not each.tag] == []
