"""Which kinds of service exist, and that a recipe is loaded only when asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from circus_stack.config.option import options_of
from circus_stack.errors import ServiceUnavailableError
from circus_stack.services import KINDS
from circus_stack.services.redis import RedisOptions
from circus_stack.services.registry import BUILT_IN, Kinds, Registry


def test_kinds_are_listed_without_loading_a_recipe() -> None:
    assert set(KINDS) >= {"redis", "valkey", "memcached", "solr"}
    assert len(KINDS) == len(list(KINDS))


def test_a_kind_gives_the_record_of_its_options() -> None:
    assert KINDS["redis"] is RedisOptions
    assert KINDS["valkey"] is RedisOptions


@pytest.mark.parametrize("kind", sorted(BUILT_IN))
def test_every_option_of_every_recipe_is_declared_and_has_help(kind: str) -> None:
    record: Any = KINDS[kind]
    declared = list(options_of(record))
    assert {option.name for option in declared} == set(record.__dataclass_fields__)
    assert all(option.help.endswith(".") for option in declared)
    assert record() == record(), "a record with defaults alone must be possible and comparable"


def test_an_unknown_kind_is_a_key_error() -> None:
    assert "mongodb" not in KINDS
    with pytest.raises(KeyError):
        KINDS["mongodb"]


@pytest.mark.parametrize(
    ("target", "said"),
    [("os:path", "not a class made from Recipe"), ("circus_stack.services.plan:ServicePlan", "not a class made")],
)
def test_what_is_no_recipe_is_refused(target: str, said: str) -> None:
    registry = Registry({"odd": target}, group="circus_stack.no_such_group")
    with pytest.raises(ServiceUnavailableError, match=said):
        registry["odd"]


class _Point:
    """An installed entry point, as importlib.metadata gives it."""

    value = "nowhere:Nothing"

    def load(self) -> object:
        raise ImportError("No module named 'nowhere'")


def test_a_foreign_recipe_that_cannot_be_loaded_is_named() -> None:
    registry = Registry({}, group="circus_stack.no_such_group")
    points: Mapping[str, Any] = {"search": _Point()}
    registry.__dict__["_installed"] = points
    assert list(Kinds(registry)) == ["search"]
    with pytest.raises(ServiceUnavailableError, match=r"'search' \(nowhere:Nothing\).*No module named 'nowhere'"):
        registry["search"]
