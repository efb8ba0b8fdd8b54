"""gevent's patches of the standard library, without what they import for nobody.

`monkey.patch_all()` asks the metadata of every installed distribution for plugins, two dozen times: in an environment
of a hundred that is 0.27 of the 0.3 s that it takes, and 4 MiB. And it imports ssl to patch it: 4 MiB more, for a
worker that may never use it. Both are put off: it asks where a distribution has such plugins, and ssl is patched at
the end of its import, before anybody can take a name out of it. What a later gevent names otherwise is patched at once.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_PLUGINS = b"gevent.plugins."
# What holds the entry points of a distribution, by the end of its directory's name.
_HOLDERS = {".dist-info": "entry_points.txt", ".egg-info": "entry_points.txt", ".egg": "EGG-INFO/entry_points.txt"}


def patch_all() -> None:
    """What `gevent.monkey.patch_all()` patches; ssl with its import, where it isn't imported yet."""
    from gevent import monkey

    with _without_plugins():
        if "ssl" in sys.modules:
            monkey.patch_all()
            return
        with _replaced(monkey, "patch_ssl", lambda **_more: None):
            monkey.patch_all()
    # Where that name meant nothing to `patch_all`, it is imported and patched by now.
    if "ssl" not in sys.modules and not any(isinstance(each, _SslFinder) for each in sys.meta_path):
        sys.meta_path.insert(0, _SslFinder())


def has_plugins(path: Sequence[str]) -> bool:
    """Whether a distribution on `path` wants to hear of gevent's patches, or may want it: an archive isn't read."""
    return any(_is_told(directory or ".") for directory in path)


def _is_told(directory: str) -> bool:
    try:
        names = os.listdir(directory)  # noqa: PTH208 - pathlib is not imported for that
    except NotADirectoryError:
        return True
    except OSError:
        return False
    for name in names:
        base, end = os.path.splitext(name)  # noqa: PTH122
        # gevent's own plugin warns of signals without os, and both are patched.
        if end in _HOLDERS and base.partition("-")[0] != "gevent":
            try:
                with open(os.path.join(directory, name, _HOLDERS[end]), "rb") as file:  # noqa: PTH118, PTH123
                    if _PLUGINS in file.read():
                        return True
            except NotADirectoryError:
                if end == ".egg":
                    return True
            except OSError:
                pass
    return False


@contextlib.contextmanager
def _without_plugins() -> Iterator[None]:
    """Have gevent tell its subscribers alone, where nobody else is there to be told."""
    from gevent import events

    if has_plugins(sys.path):
        yield
        return
    with _replaced(events, "notify_and_call_entry_points", events.notify):
        yield


@contextlib.contextmanager
def _replaced(module: Any, name: str, value: object) -> Iterator[None]:
    """A name of a module means something else meanwhile; nothing happens where there is no such name."""
    if not hasattr(module, name):
        yield
        return
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)


class _SslFinder:
    """Finds ssl where the others find it, and has it patched once it is there."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Asked for every import; None for all but one."""
        if name != "ssl":
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(name, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _SslLoader(spec.loader, self)  # type: ignore[assignment]  # as PEP 451 has it, no subclass
                return spec
        return None


class _SslLoader:
    """The loader of ssl, with the patch at its end."""

    def __init__(self, loader: Any, finder: _SslFinder) -> None:
        self._loader = loader
        self._finder = finder

    def __getattr__(self, name: str) -> Any:
        # What tools ask a loader for: the source, the file.
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """As ever."""
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """As ever, and patch it."""
        from gevent import monkey

        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        # Once: gevent's own part of it imports ssl.
        with contextlib.suppress(ValueError):
            sys.meta_path.remove(self._finder)
        with _without_plugins():
            monkey.patch_ssl()
