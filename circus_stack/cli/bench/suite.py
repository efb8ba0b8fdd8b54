"""Where the suite's modules are: in circus_stack.benchmarks of a wheel, or in benchmarks/ of a checkout."""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import benchmarks.suite.compare
    import benchmarks.suite.contestant
    import benchmarks.suite.environment
    import benchmarks.suite.example
    import benchmarks.suite.figures
    import benchmarks.suite.managers.catalogue
    import benchmarks.suite.plan
    import benchmarks.suite.programme
    import benchmarks.suite.promises
    import benchmarks.suite.report.answers
    import benchmarks.suite.report.markdown
    import benchmarks.suite.report.page
    import benchmarks.suite.report.pictures
    import benchmarks.suite.report.words
    import benchmarks.suite.result
    import benchmarks.suite.scenario
    import benchmarks.suite.summary
    import benchmarks.suite.target  # noqa: F401 - all of them, as attributes of the package
    from benchmarks import suite as suite

_PACKAGES = ("circus_stack.benchmarks", "benchmarks")
# Packages within the suite, whose modules are attributes in turn.
_INNER = ("managers", "report")


class _Suite:
    """The modules of a package as attributes, each imported on use."""

    def __init__(self, inner: str = "") -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> ModuleType | _Suite:
        path = f"{self._inner}.{name}"
        return _Suite(path) if name in _INNER else importlib.import_module(f"{_package()}.suite{path}")


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
