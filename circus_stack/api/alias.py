"""The names of Circus for our modules: `circus` and `circus.X`, where Circus itself is not installed. Imports nothing
of ours until somebody imports such a name."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from importlib.abc import Loader

_ROOT = "circus"
_API = "circus_stack.api"
# What does not stand in the API by the last part of its name: `util` would be no name for a module here.
_ELSEWHERE = {"plugins": "circus_stack.plugins", "util": f"{_API}.conversions", "exc": f"{_API}.exceptions"}

# Modules below one of Circus's that is a single module here.
_BELOW = {"stream.file_stream": f"{_API}.stream"}


def install() -> None:
    """Let `import circus` find our modules. Asked after everybody else, so that an installed Circus wins; safe to call
    again."""
    if not any(isinstance(finder, AliasFinder) for finder in sys.meta_path):
        sys.meta_path.append(AliasFinder())


class AliasFinder:
    """Finds our API under the name `circus`, which nobody else knows. No subclass of MetaPathFinder, whose module takes
    longer to import than all of this."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """A spec whose module is ours; None for other names."""
        del path, target
        if fullname != _ROOT:
            return None
        # Our packages have a path, by which Python's own finder would load `circus.X` a second time: it must be asked
        # after us from here on.
        sys.meta_path.insert(0, _BelowFinder())
        return _spec(fullname)


class _BelowFinder:
    """Finds our modules below `circus`, as long as that is ours."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """A spec whose module is one of ours; None for other names, and for those below another `circus`."""
        del path, target
        root = sys.modules.get(_ROOT)
        is_ours = fullname.startswith(f"{_ROOT}.") and root is not None and root.__name__ == _API
        return _spec(fullname) if is_ours else None


def _spec(fullname: str) -> ModuleSpec | None:
    ours = real_name(fullname)
    if importlib.util.find_spec(ours) is None:
        return None
    return ModuleSpec(fullname, cast("Loader", _AliasLoader(ours)), is_package=True)


def real_name(fullname: str) -> str:
    """`circus.arbiter` -> `circus_stack.api.arbiter`; `circus.plugins.X` -> `circus_stack.plugins.X`."""
    name = fullname.partition(".")[2]
    if name in _BELOW:
        return _BELOW[name]
    head, _, rest = name.partition(".")
    ours = _ELSEWHERE.get(head, f"{_API}.{head}" if head else _API)
    return f"{ours}.{rest}" if rest else ours


class _AliasLoader:
    """Gives the module itself, not a copy: a class is the same class under both names."""

    def __init__(self, ours: str) -> None:
        self._ours = ours
        self._spec: ModuleSpec | None = None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        del spec
        module = importlib.import_module(self._ours)
        # The import system is about to write the alias's spec into the module.
        self._spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec
