"""Where the suite's modules are: in circus_stack.benchmarks of a wheel, or in benchmarks/ of a checkout."""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import benchmarks.suite.charts
    import benchmarks.suite.checks
    import benchmarks.suite.compare
    import benchmarks.suite.contestant
    import benchmarks.suite.environment
    import benchmarks.suite.markdown
    import benchmarks.suite.page
    import benchmarks.suite.result
    import benchmarks.suite.run
    import benchmarks.suite.scenario
    import benchmarks.suite.starting
    import benchmarks.suite.summary
    import benchmarks.suite.target
    import benchmarks.suite.words
    import benchmarks.suite.wrk_load  # noqa: F401 - all of them, as attributes of the package
    from benchmarks import suite as suite

_PACKAGES = ("circus_stack.benchmarks", "benchmarks")


class _Suite:
    """Its modules as attributes, each imported on use."""

    def __getattr__(self, name: str) -> ModuleType:
        return importlib.import_module(f"{_package()}.suite.{name}")


def _package() -> str:
    for each in _PACKAGES:
        try:
            if importlib.util.find_spec(f"{each}.suite") is not None:
                return each
        except ModuleNotFoundError:
            continue
    raise ImportError("this installation of circus-stack has no benchmarks")


if not TYPE_CHECKING:
    suite = _Suite()
