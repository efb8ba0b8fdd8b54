"""One tick: what is published to whom, and what is remembered."""

import json
from collections.abc import Iterable

import pytest

from circus_stack.stats.aggregate import Totals
from circus_stack.stats.census import Census
from circus_stack.stats.channel import Channel
from circus_stack.stats.collect.particulars import Register
from circus_stack.stats.collect.reading import Reading
from circus_stack.stats.collect.sampler import Sampler
from circus_stack.stats.desk import Desk
from tests.unit.stats.fake_processes import FakeProcesses, reading

CIRCUS_KEYS = {
    *("mem_info1", "mem_info2", "cpu", "mem", "ctime", "pid", "username", "nice", "create_time", "age", "cmdline"),
    *("children", "subtopic", "name"),
}


class Outlet:
    """Publishes to a list."""

    def __init__(self, *prefixes: str) -> None:
        self._prefixes = tuple(prefix.encode() for prefix in prefixes)
        self.sent: dict[str, dict[str, object]] = {}

    def is_wanted(self, topic: bytes) -> bool:
        return topic.startswith(self._prefixes)

    def is_any_wanted(self, beginning: bytes) -> bool:
        return self.is_wanted(beginning) or any(each.startswith(beginning) for each in self._prefixes)

    def send_all(self, messages: Iterable[tuple[bytes, bytes]]) -> None:
        self.sent.update({topic.decode(): json.loads(body) for topic, body in messages})


class World:
    """A desk over two watchers and an arbiter."""

    def __init__(self, *prefixes: str) -> None:
        self.processes = FakeProcesses(
            readings={pid: reading(1.0, rss=1 << 20) for pid in (2**30, 2**30 + 1, 2**30 + 2)}
        )
        self.census = Census(1.0)
        self.census.replace(
            {"Web.1 x": {"processes": [{"pid": 2**30}]}, "job": {"processes": [{"pid": 2**30 + 1}]}},
            0,
            {2**30 + 2: "circusd"},
        )
        self.outlet = Outlet(*prefixes)
        self.recorded: dict[str, Totals] = {}
        self.desk = Desk(
            census=self.census,
            sampler=Sampler(self.processes, self.processes, self.processes.clock),
            register=Register(0.0, lambda: 101.0),
            channel=Channel(self.outlet),
            record=lambda name, totals, _now: self.recorded.__setitem__(name, totals),
            total_memory=1 << 30,
            epoch=lambda: 101.0,
        )

    def tick(self) -> None:
        self.desk.tick(self.census.rows.values())
        self.desk.tick_stack()


def test_all_is_published_with_circuss_fields() -> None:
    world = World("")
    world.tick()
    assert set(world.outlet.sent) == {
        *(f"stat.web-1_x.{2**30}", "stat.web-1_x", f"stat.job.{2**30 + 1}", "stat.job"),
        *(f"stat.circus.{2**30 + 2}", "stat.circus", "total.stack"),
    }
    process = world.outlet.sent[f"stat.job.{2**30 + 1}"]
    assert process.keys() >= CIRCUS_KEYS
    # Nobody knows yet what it used of late: a second in the hundred since it began.
    assert (process["cpu"], process["mem_info1"], process["rss"], process["name"]) == (1.0, "1.00M", 1 << 20, None)
    assert world.outlet.sent[f"stat.circus.{2**30 + 2}"]["name"] == "circusd"
    assert world.outlet.sent["stat.job"] == {
        "pid": [2**30 + 1],
        "cpu": 1.0,
        "mem": 0.098,
        "age": 100.0,
        "cpu_sum": 0.0,
        "processes": 1,
        "rss": 1 << 20,
        "vms": 5000,
        "threads": 1,
        "pss": None,
        "uss": None,
        "shared": None,
        "files": None,
        "voluntary_switches": None,
        "involuntary_switches": None,
        "read_bytes": None,
        "written_bytes": None,
        "group_memory": None,
        "group_memory_limit": None,
        "group_throttled": None,
        "rps": None,
        "busy": None,
        "in_flight": None,
        "p99": None,
        "time": 101.0,
    }
    assert world.outlet.sent["total.stack"]["processes"] == 2


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("stat.job.", {f"stat.job.{2**30 + 1}"}),
        (f"stat.web-1_x.{2**30}", {f"stat.web-1_x.{2**30}"}),
        ("total.", {"total.stack"}),
        ("other", set()),
    ],
)
def test_only_what_somebody_wants_is_encoded(prefix: str, expected: set[str]) -> None:
    world = World(prefix)
    world.tick()
    assert set(world.outlet.sent) == expected


def test_everything_is_remembered_though_nobody_listens() -> None:
    world = World("other")
    world.tick()
    world.processes.now += 1.0
    world.processes.readings[2**30] = reading(1.5, rss=1 << 20)
    world.tick()
    assert world.recorded["Web.1 x"].cpu == 50.0
    assert world.recorded[""].cpu == 50.0
    assert world.recorded[""].processes == 2


def test_a_removed_watcher_leaves_the_sum() -> None:
    world = World("other")
    world.tick()
    world.census.apply("remove", {"watcher": "job", "seq": 1})
    world.tick()
    assert world.recorded[""].processes == 1
    assert 2**30 + 1 in world.processes.forgotten


def test_a_part_that_fails_takes_nothing_from_the_others() -> None:
    world = World("")
    broken = {"read": True, "queues": True}
    read = world.processes.read

    def read_or_fail(pid: int) -> Reading | None:
        if broken["read"] and pid == 2**30:
            raise RuntimeError("no such figure")
        return read(pid)

    def queues() -> list[dict[str, object]]:
        if broken["queues"]:
            raise OSError("netlink")
        return []

    world.processes.read = read_or_fail  # type: ignore[method-assign]
    world.desk._queues = queues
    world.tick()
    assert {"stat.job", "stat.circus", "total.stack"} <= world.outlet.sent.keys()
    assert "stat.web-1_x" not in world.outlet.sent
    broken["read"] = broken["queues"] = False
    world.tick()
    assert world.outlet.sent["stat.web-1_x"]["pid"] == [2**30]
    assert world.outlet.sent["total.stack"]["processes"] == 2
