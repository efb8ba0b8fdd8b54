"""What `circus-stack bench all` measures: the plans, chosen so that they end within a quarter of an hour on two
processors, set-up included."""

from __future__ import annotations

from typing import TYPE_CHECKING

from circus_stack.cli.bench.plans import Asked, base_plan, serve_plans, start_plans
from circus_stack.cli.bench.suite import suite

if TYPE_CHECKING:
    from benchmarks.suite.plan import Plan


def whole_plans(app: str | None, path: str, *, is_quick: bool) -> list[Plan]:
    """With an application of the user's own, what answers for it alone."""
    asked = Asked(app=app or suite.target.PYRAMID, path=path, is_quick=is_quick, seconds=1)
    found = [*serve_plans(asked), base_plan(asked, "start", asked.app or "")]
    if app is None:
        found += [*serve_plans(Asked(seconds=1, is_quick=is_quick)), *start_plans(Asked(is_quick=is_quick))]
    return found
