"""`serve --reload`: sees source files change, and has the stack reloaded. For development; it watches, never polls."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from watchfiles import Change, DefaultFilter, awatch

log = logging.getLogger(__name__)

# What an application is made of: a change of any of these is worth a reload.
_ENDINGS = (".py", ".pyi", ".ini", ".cfg", ".toml", ".yaml", ".yml", ".json", ".html", ".jinja2", ".j2", ".mako", ".pt")
# Files come in bursts, from an editor or a checkout: wait until it is over.
_BURST_MS = 300


class SourceFilter(DefaultFilter):
    """Source files, without those that nobody edits (`.git`, `.venv`, `node_modules`, caches); named files always."""

    def __init__(self, named: Iterable[Path]) -> None:
        super().__init__()
        self._named = frozenset(str(path) for path in named)

    def __call__(self, change: Change, path: str) -> bool:
        return path in self._named or (path.endswith(_ENDINGS) and super().__call__(change, path))


async def watch_sources(
    directories: Iterable[Path], named: Iterable[Path], reload: Callable[[], Awaitable[object]]
) -> None:
    """Call `reload` after each burst of changes, until cancelled. A reload that fails is told, and the next one tried.

    `named` are files that count whatever their ending. What doesn't exist isn't watched.
    """
    named = tuple(path for path in named if path.exists())
    roots = _roots([*(path for path in directories if path.is_dir()), *(path.parent for path in named)])
    log.info("watching %s", ", ".join(map(str, roots)))
    async for changes in awatch(*roots, watch_filter=SourceFilter(named), debounce=_BURST_MS, step=50):
        paths = sorted({Path(path).name for _, path in changes})
        log.info("%s changed: reloading", ", ".join(paths[:3]) + (" ..." if len(paths) > 3 else ""))
        try:
            await reload()
        except Exception as error:
            log.error("the reload was refused, everything serves on as before:\n%s", error)


def _roots(directories: Iterable[Path]) -> list[Path]:
    """Without directories that lie in others: those are watched with them."""
    resolved = sorted({path.resolve() for path in directories}, key=lambda path: len(path.parts))
    roots: list[Path] = []
    for path in resolved:
        if not any(path.is_relative_to(root) for root in roots):
            roots.append(path)
    return roots
