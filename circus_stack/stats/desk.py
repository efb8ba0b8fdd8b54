"""One tick: samples of the watchers that are due, published, summed, remembered. Waits for nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from msgspec import structs

from circus_stack.protocol.topics import SOCKETS_TOPIC, STACK_TOPIC, socket_topic, watcher_topic
from circus_stack.stats.aggregate import Totals, total_of, total_of_stack
from circus_stack.stats.attempts import Attempts
from circus_stack.stats.census import Census, Row
from circus_stack.stats.channel import Channel
from circus_stack.stats.collect.particulars import Register
from circus_stack.stats.collect.sampler import Sample, Sampler
from circus_stack.stats.collect.slow import SlowFigures
from circus_stack.stats.history.processes import ProcessHistory
from circus_stack.stats.messages import Content, Messages
from circus_stack.stats.metrics.slow_usage import SlowMeter
from circus_stack.stats.metrics.usage import CpuMeter
from circus_stack.stats.serving import Serving
from circus_stack.stats.wire import (
    OWN,
    Fields,
    socket_fields,
    sockets_fields,
    stack_fields,
    watcher_fields,
)

# (name of a watcher, "" for the stack; what it sums up to; seconds since the epoch)
Record = Callable[[str, Totals, float], None]


class Desk:
    """`newest` and `totals` are what the last tick of each watcher has found; "" in `totals` is the stack."""

    def __init__(
        self,
        *,
        census: Census,
        sampler: Sampler,
        register: Register,
        channel: Channel,
        record: Record,
        total_memory: int,
        serving: Serving | None = None,
        meter: CpuMeter | None = None,
        slow: SlowFigures | None = None,
        processes: ProcessHistory | None = None,
        queues: Callable[[], list[Fields]] = list,
        epoch: Callable[[], float] = time.time,
    ) -> None:
        self._census = census
        self._sampler = sampler
        self._register = register
        self._channel = channel
        self._record = record
        self._total_memory = total_memory
        self._messages = Messages(total_memory)
        self.serving = serving or Serving()
        self.meter = meter or CpuMeter()
        self._slow = slow or SlowFigures(lambda _pid: None)
        self.slow_meter = SlowMeter()
        self._processes = processes
        self._queues = queues
        self.sockets: list[Fields] = []
        self._epoch = epoch
        self._attempts = Attempts()
        self.newest: dict[str, dict[int, Sample]] = {}
        self.totals: dict[str, Totals] = {}
        self._known: set[int] = set()

    def tick(self, rows: Iterable[Row]) -> None:
        """Sample watchers, and tell."""
        now, due = self._epoch(), list(rows)
        self._attempts.make("the scoreboard", lambda: self.serving.look({row.name: row.pids for row in due}))
        for row in due:
            self._attempts.make(f"watcher {row.name}", partial(self._tick_watcher, row, now))

    def _tick_watcher(self, row: Row, now: float) -> None:
        samples = self.newest[row.name] = self._sampler.sample(row.pids)
        self.meter.add(row.name, samples)
        totals = self.serving.with_served(row.name, total_of(samples))
        slow = self._slow.of_watcher(row.name, samples, _descendants(samples))
        totals = self.totals[row.name] = structs.replace(totals, **slow)
        self._tell(row.name, samples, totals, now)
        self._record(row.name, totals, now)
        if self._processes is not None:
            self._processes.note(row.name, samples, now)

    def tick_stack(self) -> None:
        """What is told once for the whole stack: the arbiter's own processes, and the sum."""
        now = self._epoch()
        self._attempts.make("the census", self._forget_the_gone)
        self._attempts.make("slow figures", lambda: self._read_slow(self._everybody()))
        self._attempts.make("sockets", lambda: self._tick_sockets(now))
        self._attempts.make("the arbiter itself", lambda: self._tick_own(now))
        self._attempts.make("the sum", lambda: self._tick_sum(now))

    def _tick_own(self, now: float) -> None:
        samples = self._sampler.sample(self._census.own, with_family=False)
        self._tell(OWN, samples, total_of(samples), now, self._census.own)

    def _tick_sum(self, now: float) -> None:
        totals = total_of_stack(total for name, total in self.totals.items() if name)
        self.totals[""] = totals
        self._channel.offer(STACK_TOPIC, lambda: stack_fields(totals, now, self._total_memory))
        self._record("", totals, now)

    def _tick_sockets(self, now: float) -> None:
        self.sockets = self._queues()
        self._tell_sockets(now)

    def _tell_sockets(self, now: float) -> None:
        for each in self.sockets:
            topic = socket_topic(each["fd"])
            if self._channel.is_wanted(topic):
                self._channel.publish(topic, socket_fields(each, now))
        if self.sockets:
            self._channel.offer(SOCKETS_TOPIC, lambda: sockets_fields(self.sockets, now))

    def _tell(
        self,
        watcher: str,
        samples: Mapping[int, Sample],
        totals: Totals,
        now: float,
        names: Mapping[int, str] | None = None,
    ) -> None:
        topic = watcher_topic(watcher)
        is_sum_wanted = self._channel.is_wanted(topic)
        wanted = self._wanted(f"{topic}.", samples)
        contents = {
            pid: self._content(watcher, pid, samples[pid], names.get(pid) if names else None)
            for pid in (samples if is_sum_wanted else wanted)
        }
        if wanted:
            make = self._messages.make
            self._channel.publish_all([(each, make(pid, contents[pid], now)) for pid, each in wanted.items()])
        if is_sum_wanted:
            known = {pid: (each.sample, each.who) for pid, each in contents.items()}
            fields = watcher_fields(known, totals, now=now, total_memory=self._total_memory)
            self._channel.publish(topic, fields)

    def _wanted(self, beginning: str, pids: Iterable[int]) -> dict[int, bytes]:
        """Those of which somebody wants to hear, each with its topic."""
        if not self._channel.is_any_wanted(beginning):
            return {}
        if self._channel.is_wanted(beginning):
            return {pid: f"{beginning}{pid}".encode() for pid in pids}
        topics = ((pid, f"{beginning}{pid}") for pid in pids)
        return {pid: topic.encode() for pid, topic in topics if self._channel.is_wanted(topic)}

    def _content(self, watcher: str, pid: int, sample: Sample, name: str | None) -> Content:
        slow, served = self._slow.of(pid, sample.family), self.serving.details(watcher, pid)
        return Content(sample, self._register.of(pid, sample.own), name, slow, served)

    def fields(self, watcher: str, pid: int, sample: Sample, now: float, name: str | None) -> Fields:
        """One process as it is published."""
        return self._content(watcher, pid, sample, name).fields(now, self._total_memory)

    def _forget_the_gone(self) -> None:
        there = set(self._census.all_pids())
        self._sampler.forget(self._known - there)
        self._register.keep(there)
        self._messages.keep(there)
        self._known = there
        for name in self.newest.keys() - self._census.rows.keys():
            del self.newest[name]
            self.totals.pop(name, None)
        self.serving.keep(self._census.rows)
        self.meter.keep(self._census.rows, there)
        self.slow_meter.keep(self._census.rows)
        if self._processes is not None:
            self._processes.keep(there)

    def _read_slow(self, watchers: Mapping[int, str]) -> None:
        self._slow.keep(watchers.keys(), self._census.rows.keys())
        for pid, before, after in self._slow.refresh(watchers):
            self.slow_meter.add(watchers[pid], before, after)

    def _everybody(self) -> dict[int, str]:
        """Each process that is sampled, with its descendants: its watcher."""
        return {pid: name for name, samples in self.newest.items() for pid in (*samples, *_descendants(samples))}


def _descendants(samples: Mapping[int, Sample]) -> list[int]:
    return [pid for sample in samples.values() for pid in sample.family]
