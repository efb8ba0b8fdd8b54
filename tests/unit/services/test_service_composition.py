"""How services enter the stack: watchers in front, exports to who depends on them, and doing without."""

from __future__ import annotations

from pathlib import Path

import pytest

from circus_stack.config.schema import WatcherConfig
from circus_stack.config.values import Location
from circus_stack.errors import ConfigError, ServiceUnavailableError
from circus_stack.services import Arrangement, ServicePlan, arrange, compose
from tests.support.services import declare, program, stack_of

REDIS = ServicePlan(
    watcher=WatcherConfig(name="redis"), exports={"REDIS_URL": "unix:///redis.sock?db=0", "REDIS_SOCKET": "/redis.sock"}
)
SOLR = ServicePlan(
    watcher=WatcherConfig(name="solr", depends_on=("redis",)), exports={"SOLR_URL": "http://127.0.0.1:8983/solr"}
)


def test_services_are_watchers_in_front_of_the_others() -> None:
    stack = stack_of(declare("redis"), declare("solr"), watchers=(WatcherConfig(name="web"),))
    composed = compose(stack, {"redis": REDIS, "solr": SOLR}, {})
    assert [watcher.name for watcher in composed.watchers] == ["redis", "solr", "web"]
    assert stack.watchers == (WatcherConfig(name="web"),), "the stack that was given is as it was"


def test_exports_go_to_those_who_depend_directly() -> None:
    web = WatcherConfig(name="web", depends_on=("solr",))
    worker = WatcherConfig(name="worker", depends_on=("REDIS",))
    cron = WatcherConfig(name="cron")
    stack = stack_of(declare("redis"), declare("solr"), watchers=(web, worker, cron))
    composed = {each.name: each for each in compose(stack, {"redis": REDIS, "solr": SOLR}, {}).watchers}
    assert composed["web"].env == SOLR.exports
    assert composed["worker"].env == REDIS.exports, "names are matched in any case"
    assert composed["solr"].env == REDIS.exports
    assert composed["cron"] is cron


def test_what_a_watcher_sets_itself_wins() -> None:
    web = WatcherConfig(name="web", depends_on=("redis",), env={"REDIS_URL": "redis://elsewhere"})
    composed = compose(stack_of(declare("redis"), watchers=(web,)), {"redis": REDIS}, {})
    assert composed.watchers[-1].env == {"REDIS_URL": "redis://elsewhere", "REDIS_SOCKET": "/redis.sock"}


def test_a_missing_service_leaves_every_depends_on_with_a_warning() -> None:
    web = WatcherConfig(name="web", depends_on=("redis", "Solr"))
    service = declare("solr", optional=True, where={"optional": Location("app.ini", 12)})
    stack = stack_of(declare("redis"), service, watchers=(web,))
    composed = compose(stack, {"redis": REDIS}, {"solr": "Java was not found"})
    assert composed.watchers[-1].depends_on == ("redis",)
    assert [watcher.name for watcher in composed.watchers] == ["redis", "web"]
    (warning,) = composed.warnings
    assert str(warning).startswith("app.ini:12: [service:solr]")
    assert "Java was not found" in str(warning)


def test_a_watcher_that_runs_as_another_user_is_told_that_the_socket_is_closed_to_it() -> None:
    web = WatcherConfig(name="web", depends_on=("redis",), uid="www-data")
    composed = compose(stack_of(declare("redis"), watchers=(web,)), {"redis": REDIS}, {})
    (warning,) = composed.warnings
    assert "[watcher:web] uid: it runs as www-data" in str(warning)


@pytest.mark.parametrize("uid", [None, "root", "0"])
def test_root_can_open_any_socket(uid: str | None) -> None:
    web = WatcherConfig(name="web", depends_on=("redis",), uid=uid)
    assert compose(stack_of(declare("redis"), watchers=(web,)), {"redis": REDIS}, {}).warnings == ()


def test_a_watcher_cannot_have_the_name_of_a_service() -> None:
    stack = stack_of(declare("redis"), watchers=(WatcherConfig(name="Redis"),))
    with pytest.raises(ConfigError, match=r"\[service:redis\]: a watcher has the same name"):
        compose(stack, {"redis": REDIS}, {})


def _arrange(tmp_path: Path, *services: object) -> Arrangement:
    stack = stack_of(*services, watchers=(WatcherConfig(name="web", depends_on=("redis", "memcached")),))  # type: ignore[arg-type]
    return arrange(stack, state_dir=tmp_path, runtime_dir=tmp_path, environ={})


def test_an_optional_service_without_its_binary_is_left_out(tmp_path: Path) -> None:
    redis = declare("redis", binary=program(tmp_path / "server"))
    arranged = _arrange(tmp_path, redis, declare("memcached", binary="/nowhere/memcached", optional=True))
    assert list(arranged.plans) == ["redis"]
    assert arranged.stack.watchers[-1].depends_on == ("redis",)
    assert "optional" in str(arranged.stack.warnings[0])


def test_all_missing_services_are_named_at_once(tmp_path: Path) -> None:
    gone = [declare("redis", binary="/nowhere/redis"), declare("memcached", binary="/nowhere/memcached")]
    with pytest.raises(ServiceUnavailableError) as caught:
        _arrange(tmp_path, *gone)
    assert str(caught.value).splitlines() == [
        "[service:redis] cannot run: '/nowhere/redis' does not exist",
        "[service:memcached] cannot run: '/nowhere/memcached' does not exist",
    ]


def test_all_problems_of_all_services_are_reported_at_once(tmp_path: Path) -> None:
    binary = program(tmp_path / "server")
    wrong = [declare(kind, binary=binary, watcher={"numprocesses": 4}) for kind in ("redis", "memcached")]
    with pytest.raises(ConfigError) as caught:
        _arrange(tmp_path, *wrong)
    assert len(caught.value.problems) == 2
