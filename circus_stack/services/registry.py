"""Which kinds of service exist: a name and a "module:Class", loaded on use.

Anyone's own recipe is an entry point of the group `circus_stack.services`; a name of ours can't be taken by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING

from circus_stack.errors import ServiceUnavailableError
from circus_stack.services.recipe import Recipe

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "circus_stack.services"

BUILT_IN: Mapping[str, str] = {
    "redis": "circus_stack.services.redis:RedisRecipe",
    "valkey": "circus_stack.services.redis:ValkeyRecipe",
    "memcached": "circus_stack.services.memcached:MemcachedRecipe",
    "solr": "circus_stack.services.solr:SolrRecipe",
}


class Registry(Mapping[str, type[Recipe]]):
    """Recipe classes by kind. Installed entry points are read once, and only when a kind isn't one of ours."""

    def __init__(self, built_in: Mapping[str, str] = BUILT_IN, *, group: str = GROUP) -> None:
        self._built_in = built_in
        self._group = group

    def __getitem__(self, kind: str) -> type[Recipe]:
        """Raises KeyError for an unknown kind, ServiceUnavailableError for one that can't be loaded."""
        if kind in self._built_in:
            module, _, name = self._built_in[kind].partition(":")
            return _checked(kind, getattr(import_module(module), name))
        point = self._installed[kind]
        try:
            loaded = point.load()
        except Exception as error:
            raise ServiceUnavailableError(
                f"the recipe of service kind {kind!r} ({point.value}) cannot be loaded: {error}"
            ) from error
        return _checked(kind, loaded)

    def __iter__(self) -> Iterator[str]:
        yield from self._built_in
        yield from (kind for kind in self._installed if kind not in self._built_in)

    def __len__(self) -> int:
        return len(self._built_in.keys() | self._installed.keys())

    def __contains__(self, kind: object) -> bool:
        return kind in self._built_in or kind in self._installed

    @cached_property
    def _installed(self) -> dict[str, EntryPoint]:
        # Here, since most stacks have none of these, and it takes its time to import.
        from importlib.metadata import entry_points

        return {point.name: point for point in entry_points(group=self._group)}


def _checked(kind: str, loaded: object) -> type[Recipe]:
    if isinstance(loaded, type) and issubclass(loaded, Recipe):
        return loaded
    raise ServiceUnavailableError(f"the recipe of service kind {kind!r} is {loaded!r}, not a class made from Recipe")


class Kinds(Mapping[str, type]):
    """The record of options of each kind, which the reader of a configuration needs; loaded when asked for."""

    def __init__(self, registry: Mapping[str, type[Recipe]]) -> None:
        self._registry = registry

    def __getitem__(self, kind: str) -> type:
        return self._registry[kind].options

    def __iter__(self) -> Iterator[str]:
        return iter(self._registry)

    def __len__(self) -> int:
        return len(self._registry)

    def __contains__(self, kind: object) -> bool:
        return kind in self._registry


RECIPES: Mapping[str, type[Recipe]] = Registry()
KINDS: Mapping[str, type] = Kinds(RECIPES)
