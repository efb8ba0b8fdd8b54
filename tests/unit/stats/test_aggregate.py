"""Sums over processes and over watchers."""

from circus_stack.stats.aggregate import Totals, total_of, total_of_stack
from circus_stack.stats.collect.sampler import Sample
from tests.unit.stats.fake_processes import reading


def sample(cpu: float | None, rss: int) -> Sample:
    return Sample(cpu, 1.0, rss, 2 * rss, 3, reading())


def test_a_watcher_is_the_sum_of_its_processes() -> None:
    total = total_of({1: sample(12.5, 100), 2: sample(30.0, 200), 3: sample(None, 50)})
    assert total == Totals(processes=3, cpu=42.5, rss=350, vms=700, threads=9)


def test_nobody_is_nothing() -> None:
    assert total_of({}) == Totals()
    assert total_of_stack([]) == Totals()


def test_the_stack_is_the_sum_of_its_watchers() -> None:
    web = Totals(processes=2, cpu=10.0, rss=5, rps=100.0, busy=3, p99=0.2)
    job = Totals(processes=1, cpu=90.0, rss=7)
    api = Totals(processes=1, cpu=1.0, rss=1, rps=20.0, busy=0, p99=0.5)
    total = total_of_stack([web, job, api])
    assert (total.processes, total.cpu, total.rss) == (4, 101.0, 13)
    assert (total.rps, total.busy, total.p99) == (120.0, 3, 0.5)


def test_what_serves_no_requests_has_no_figures_of_them() -> None:
    assert total_of_stack([Totals(cpu=1.0)]).rps is None
