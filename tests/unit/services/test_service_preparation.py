"""What is common to all services: singletons that inherit the environment, with watcher options laid over."""

from __future__ import annotations

from pathlib import Path

import pytest

from circus_stack.config.diff import FILES_VARIABLE
from circus_stack.config.values import Location, Readiness, ReadinessForm
from circus_stack.errors import ConfigError
from circus_stack.services import prepare
from circus_stack.services.memory import parse_memory
from circus_stack.services.preparation import digest
from tests.support.services import declare, program


@pytest.fixture
def binary(tmp_path: Path) -> str:
    return program(tmp_path / "server")


def test_a_service_is_a_singleton_that_inherits_the_environment(tmp_path: Path, binary: str) -> None:
    for kind in ("redis", "memcached"):
        service = declare(kind, binary=binary)
        watcher = prepare(service, state_dir=tmp_path, runtime_dir=tmp_path, environ={}).watcher
        assert (watcher.singleton, watcher.numprocesses, watcher.copy_env) == (True, 1, True)
        assert (watcher.max_failures, watcher.failure_window) == (10, 60.0)


def test_any_watcher_option_is_laid_over(tmp_path: Path, binary: str) -> None:
    ready = Readiness(ReadinessForm.DELAY, "1")
    service = declare(
        "redis",
        binary=binary,
        watcher={"graceful_timeout": 3.0, "uid": "redis", "ready": ready, "env": {"A": "1"}, "depends_on": ("solr",)},
    )
    watcher = prepare(service, state_dir=tmp_path, runtime_dir=tmp_path, environ={}).watcher
    assert (watcher.graceful_timeout, watcher.uid, watcher.ready) == (3.0, "redis", ready)
    assert watcher.depends_on == ("solr",)
    assert watcher.env["A"] == "1"
    assert FILES_VARIABLE in watcher.env


@pytest.mark.parametrize(("option", "value"), [("numprocesses", 2), ("numprocesses", 0), ("singleton", False)])
def test_a_service_is_never_several(tmp_path: Path, binary: str, option: str, value: object) -> None:
    service = declare("redis", binary=binary, watcher={option: value}, where={option: Location("app.ini", 7)})
    with pytest.raises(ConfigError, match=rf"app.ini:7: \[service:redis\] {option}: a service is one process"):
        prepare(service, state_dir=tmp_path, runtime_dir=tmp_path, environ={})


def test_a_kind_that_no_recipe_has_is_reported_with_the_legal_ones(tmp_path: Path, binary: str) -> None:
    service = declare("redis", binary=binary)
    with pytest.raises(ConfigError, match="unknown kind of service; found 'redis'; legal: solr"):
        prepare(service, state_dir=tmp_path, runtime_dir=tmp_path, environ={}, recipes=_OnlySolr())


class _OnlySolr(dict):  # type: ignore[type-arg]
    def __init__(self) -> None:
        super().__init__(solr=None)


def test_the_digest_knows_names_and_texts_but_no_order() -> None:
    one, two = Path("/a"), Path("/b")
    assert digest({one: "x", two: "y"}) == digest({two: "y", one: "x"})
    assert digest({one: "x", two: "y"}) != digest({one: "y", two: "x"})
    assert digest({one: "xy"}) != digest({one: "x"})


@pytest.mark.parametrize(
    ("text", "value"),
    [("1048576", 1048576), ("512m", 512 << 20), ("64 MB", 64 << 20), ("2g", 2 << 30), ("3K", 3072), ("7b", 7)],
)
def test_memory_is_read_in_powers_of_1024(text: str, value: int) -> None:
    assert parse_memory(text) == value


@pytest.mark.parametrize("text", ["", "m", "-1", "1.5g", "1t", "10 mib"])
def test_what_is_no_memory_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        parse_memory(text)
