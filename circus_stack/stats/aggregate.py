"""From samples of processes to those of watchers, and of the stack. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from msgspec import Struct

from circus_stack.stats.collect.sampler import Sample
from circus_stack.stats.collect.slow import SUMMED

N = TypeVar("N", int, float)


class Totals(Struct, frozen=True):
    """The sums of several processes: `cpu` percent of one core, memory in bytes. From `pss` to `group_throttled` as in
    `collect.slow`. `rps`, `busy`, `in_flight` and `p99` (requests a second, workers that have a request, requests under
    way, seconds) are None for what serves no requests."""

    processes: int = 0
    cpu: float = 0.0
    rss: int = 0
    vms: int = 0
    threads: int = 0
    pss: int | None = None
    uss: int | None = None
    shared: int | None = None
    files: int | None = None
    voluntary_switches: int | None = None
    involuntary_switches: int | None = None
    read_bytes: int | None = None
    written_bytes: int | None = None
    group_memory: int | None = None
    group_memory_limit: int | None = None
    group_throttled: float | None = None
    rps: float | None = None
    busy: int | None = None
    in_flight: int | None = None
    p99: float | None = None


_SUMMED = (*SUMMED, "rps", "busy", "in_flight")


def total_of(samples: Mapping[int, Sample]) -> Totals:
    """The sum over the processes of one watcher. A first sample has no CPU yet, and adds none."""
    cpu = 0.0
    rss = vms = threads = 0
    for sample in samples.values():
        if sample.cpu:
            cpu += sample.cpu
        rss += sample.rss
        vms += sample.vms
        threads += sample.threads
    return Totals(processes=len(samples), cpu=round(cpu, 2), rss=rss, vms=vms, threads=threads)


def total_of_stack(totals: Iterable[Totals]) -> Totals:
    """The sum over watchers; `p99` is the highest of them."""
    found = list(totals)
    return Totals(
        processes=sum(each.processes for each in found),
        cpu=round(sum(each.cpu for each in found), 2),
        rss=sum(each.rss for each in found),
        vms=sum(each.vms for each in found),
        threads=sum(each.threads for each in found),
        **{name: _sum_of_known([getattr(each, name) for each in found]) for name in _SUMMED},
        p99=max((each.p99 for each in found if each.p99 is not None), default=None),
    )


def _sum_of_known(values: Iterable[N | None]) -> N | None:
    known = [value for value in values if value is not None]
    return sum(known[1:], known[0]) if known else None
