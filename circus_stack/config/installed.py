"""What is installed, without importing any of it: distributions, entry points, modules, backends."""

from __future__ import annotations

import importlib.machinery
import sys
from collections.abc import Iterable
from pathlib import Path

# The backends that chaussette brings itself; an entry point of this group adds another.
BACKENDS = ("wsgiref", "waitress", "gevent", "fastgevent", "meinheld", "eventlet", "bjoern")
_BACKEND_GROUP = "chaussette.backends"


class Installed:
    """Looks where a worker will look: `python -m chaussette` has the current directory on its path, we may not."""

    def __init__(self, path: Iterable[str] | None = None) -> None:
        self._path = list(path) if path is not None else [str(Path.cwd()), *sys.path]

    def has_module(self, name: str) -> bool:
        """Whether the top-level module or package of that name can be found; a dotted name's first part counts."""
        top = name.partition(".")[0]
        if top in sys.builtin_module_names or top in sys.modules:
            return True
        return importlib.machinery.PathFinder.find_spec(top, self._path) is not None

    def entry_points(self, distribution: str) -> tuple[tuple[str, str], ...] | None:
        """(group, name) of each entry point of a distribution, or None if it is not installed."""
        import importlib.metadata

        found = importlib.metadata.Distribution.discover(name=distribution, path=self._path)
        first = next(iter(found), None)
        return None if first is None else tuple((each.group, each.name) for each in first.entry_points)

    def backends(self) -> tuple[str, ...]:
        """The names that `backend = ` may have."""
        import importlib.metadata

        others = {each.name for each in importlib.metadata.entry_points(group=_BACKEND_GROUP)}
        return (*BACKENDS, *sorted(others.difference(BACKENDS)))
