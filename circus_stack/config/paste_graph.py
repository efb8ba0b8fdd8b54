"""Walks from the application to everything that its sections name, and reports what could not be loaded.

PasteDeploy resolves pipelines, filters and `use`; composites resolve their own keys when they are called, so that the
forms of the common ones are known here. Nothing is imported.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from msgspec import Struct
from paste.deploy import loadwsgi

from circus_stack.config.installed import Installed
from circus_stack.config.paste_context import LazyContext
from circus_stack.config.paste_loader import LazyLoader
from circus_stack.config.problems import Problems
from circus_stack.config.values import Location

_COMPOSITES = ("composite", "composit")
# Paste#urlmap: a path, a URL, `domain NAME` or `domain NAME port N`; and the one option that names an application.
_ROUTE = re.compile(r"/|https?://|domain\s|not_found_app$")
# Paste#cascade: app1, app2, ...
_CASCADE = re.compile(r"app")


class _Step(Struct, frozen=True):
    """From a composite, file and title, by the option that names the next application."""

    mark: tuple[str, str]
    key: str
    where: Location


_Way = tuple[_Step, ...]


def app_names(loader: LazyLoader) -> tuple[str, ...]:
    """The names that `#name` or --app-name may have."""
    return loader.names(loadwsgi.APP)


class AppWalk:
    """Visits each application once; the problems are those of the loader's files."""

    def __init__(self, loader: LazyLoader, installed: Installed, *, check_installed: bool) -> None:
        self._loader = loader
        self._installed = installed
        self._check_installed = check_installed
        self._seen: set[tuple[str, str]] = set()

    def visit(self, name: str) -> None:
        """Walk from the application of that name."""
        self._follow(self._loader.get_context(loadwsgi.APP, name, dict(self._loader.files.variables)))

    def _follow(self, root: Any) -> None:
        # Depth first: what stands on the way to a context is what leads to it.
        queue: list[tuple[Any, _Way]] = [(root, ())]
        while queue:
            context, way = queue.pop()
            queue.extend((part, way) for part in _parts(context))
            if isinstance(context, LazyContext):
                self._check_reference(context)
                if not self._check_ring(context, way):
                    queue.extend((part, (*way, step)) for part, step in self._routed(context))

    def _check_ring(self, context: LazyContext, way: _Way) -> bool:
        """Whether a composite stands on the way to itself: loading it would never end."""
        marks = [step.mark for step in way]
        mark = _mark(context)
        if mark not in marks:
            return False
        last = way[-1]
        ring = " -> ".join([*(title for _, title in marks[marks.index(mark) :]), mark[1]])
        problems: Problems = self._loader.files.problems
        problems.add(f"leads back to itself: {ring}", last.where, section=last.mark[1], option=last.key)
        return True

    def _check_reference(self, context: LazyContext) -> None:
        reference = context.reference
        if not self._check_installed or reference.scheme != "egg":
            return
        points = self._installed.entry_points(reference.target)
        where = context.where.get("use") or context.where.get("", Location())
        title = context.section.title if context.section is not None else ""
        problems: Problems = self._loader.files.problems
        if points is None:
            problems.add(
                f"the distribution {reference.target!r} is not installed",
                where,
                section=title,
                option="use",
                found=str(reference),
                legal="the name of an installed distribution; pip install -e . in its directory installs one",
            )
            return
        protocols = [name for group in context.object_type.egg_protocols for name in group]
        names = [name for group, name in points if group in protocols]
        if (reference.name or "main") not in names:
            problems.add(
                f"the distribution has no {context.object_type.name} of that name",
                where,
                section=title,
                option="use",
                found=str(reference),
                legal=", ".join(f"egg:{reference.target}#{name}" for name in names),
            )

    def _routed(self, context: LazyContext) -> Iterator[tuple[Any, _Step]]:
        """The applications that a composite's own options name, and the step to each."""
        section = context.section
        if section is None or section.kind not in _COMPOSITES:
            return
        loader: LazyLoader = context.loader
        is_cascade = context.reference.name == "cascade"
        mark = _mark(context)
        if mark in self._seen:
            return
        self._seen.add(mark)
        for key, value in dict(context.local_conf).items():
            if (_CASCADE if is_cascade else _ROUTE).match(key):
                part = loader.get_from(loadwsgi.APP, section, str(value), context.global_conf)
                yield part, _Step(mark, key, context.where.get(key, section.where))


def _mark(context: LazyContext) -> tuple[str, str]:
    return context.loader.filename, context.section.title if context.section is not None else ""


def _parts(context: Any) -> Iterator[Any]:
    """What PasteDeploy hung below a pipeline, a filter-app or a filter-with."""
    for name in ("app_context", "next_context", "filter_context"):
        part = getattr(context, name, None)
        if part is not None:
            yield part
    yield from getattr(context, "filter_contexts", ())
