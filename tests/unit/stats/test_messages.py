"""The message of a process that is idle says what one made anew would say."""

import json

import pytest

from circus_stack.protocol.codec import encode
from circus_stack.stats.collect.particulars import Particulars
from circus_stack.stats.collect.sampler import Sample
from circus_stack.stats.messages import Content, Messages
from tests.unit.stats.fake_processes import reading

MEMORY = 1 << 30


def content(cpu: float | None = 0.0, *, argv: tuple[str, ...] = ("sleep", '"age":5,"time":7', "100%")) -> Content:
    own = reading(1.0)
    who = Particulars(7, "me", argv, "sleep", 10.0, True)
    return Content(Sample(cpu, own.cpu, own.rss, own.vms, own.threads, own), who, None, {"pss": 5}, {})


@pytest.mark.parametrize("details", [{}, {"rps": 1.5}])
def test_only_the_time_and_the_age_change(details: dict[str, float]) -> None:
    messages, idle = Messages(MEMORY), content()
    idle.served = details
    for now in (100.0, 101.000123, 102.5, 102.5, 1e9 + 0.1):
        assert json.loads(messages.make(7, idle, now)) == json.loads(encode(idle.fields(now, MEMORY)))


def test_without_details_the_time_comes_last() -> None:
    messages, idle = Messages(MEMORY), content()
    idle.slow = {}
    for now in (100.0, 101.5, 102.5):
        assert messages.make(7, idle, now) == encode(idle.fields(now, MEMORY))


def test_whatever_else_changes_is_told() -> None:
    messages, idle = Messages(MEMORY), content()
    for now in (100.0, 101.0, 102.0):
        messages.make(7, idle, now)
    for changed in (content(30.0), content(argv=("title",))):
        assert json.loads(messages.make(7, changed, 103.0)) == json.loads(encode(changed.fields(103.0, MEMORY)))


def test_the_cpu_of_a_first_sample_is_over_its_age() -> None:
    messages, new = Messages(MEMORY), content(None)
    assert [json.loads(messages.make(7, new, now))["cpu"] for now in (12.0, 15.0, 20.0)] == [50.0, 20.0, 10.0]


def test_those_who_are_gone_are_forgotten() -> None:
    messages, idle = Messages(MEMORY), content()
    for now in (100.0, 101.0):
        messages.make(7, idle, now)
    messages.keep(set())
    other = content()
    other.who = Particulars(7, "me", ("other",), "other", 90.0, True)
    assert json.loads(messages.make(7, other, 102.0))["argv"] == ["other"]
