"""CPU as a true delta over the true time, descendants included."""

import pytest

from circus_stack.stats.collect.reading import Reading
from circus_stack.stats.collect.sampler import Sampler
from tests.unit.stats.fake_processes import FakeProcesses, reading


def sampled(world: FakeProcesses, sampler: Sampler, pid: int = 1) -> float | None:
    found = sampler.sample([pid])
    return found[pid].cpu


@pytest.fixture
def world() -> FakeProcesses:
    return FakeProcesses(readings={1: reading(10.0)})


@pytest.fixture
def sampler(world: FakeProcesses) -> Sampler:
    return Sampler(world, world, world.clock)


def advance(world: FakeProcesses, seconds: float, readings: dict[int, Reading]) -> None:
    world.now += seconds
    world.readings = readings


def test_the_first_sample_tells_no_cpu(world: FakeProcesses, sampler: Sampler) -> None:
    assert sampled(world, sampler) is None


@pytest.mark.parametrize("elapsed", [0.5, 1.0, 1.7, 60.0])
def test_it_is_divided_by_the_time_that_has_passed(world: FakeProcesses, sampler: Sampler, elapsed: float) -> None:
    sampler.sample([1])
    advance(world, elapsed, {1: reading(10.0 + 0.3 * elapsed)})
    assert sampled(world, sampler) == 30.0


def test_memory_and_time_of_descendants_are_summed(world: FakeProcesses, sampler: Sampler) -> None:
    world.readings, world.parents = {1: reading(1.0), 2: reading(2.0), 3: reading(4.0)}, {2: 1, 3: 2}
    sample = sampler.sample([1])[1]
    assert (sample.rss, sample.cpu_time, sample.threads, sample.family) == (3000, 7.0, 3, (2, 3))
    assert sample.own.cpu == 1.0


def test_a_child_that_ends_leaves_its_time_and_is_not_counted_twice(world: FakeProcesses, sampler: Sampler) -> None:
    world.readings, world.parents = {1: reading(1.0), 2: reading(5.0)}, {2: 1}
    sampler.sample([1])
    # It has used another 0.2 s before its end, and its parent 0.1 s.
    advance(world, 1.0, {1: reading(1.1, children_cpu=5.2)})
    assert sampled(world, sampler) == pytest.approx(30.0)


def test_a_child_for_which_nobody_waits_takes_nothing_from_the_others(world: FakeProcesses, sampler: Sampler) -> None:
    world.readings, world.parents = {1: reading(1.0), 2: reading(5.0)}, {2: 1}
    sampler.sample([1])
    advance(world, 1.0, {1: reading(1.4)})
    assert sampled(world, sampler) == pytest.approx(40.0)


def test_a_child_that_nobody_saw_counts(world: FakeProcesses, sampler: Sampler) -> None:
    sampler.sample([1])
    advance(world, 1.0, {1: reading(10.0, children_cpu=0.5)})
    assert sampled(world, sampler) == pytest.approx(50.0)


def test_a_new_child_counts_from_its_start(world: FakeProcesses, sampler: Sampler) -> None:
    sampler.sample([1])
    world.parents = {2: 1}
    advance(world, 2.0, {1: reading(10.0), 2: reading(0.5)})
    assert sampled(world, sampler) == pytest.approx(25.0)


def test_a_grandchild_leaves_its_time_to_its_own_parent(world: FakeProcesses, sampler: Sampler) -> None:
    world.readings, world.parents = {1: reading(0.0), 2: reading(0.0), 3: reading(7.0)}, {2: 1, 3: 2}
    sampler.sample([1])
    advance(world, 1.0, {1: reading(0.1), 2: reading(0.1, children_cpu=7.1)})
    assert sampled(world, sampler) == pytest.approx(30.0)


def test_another_process_of_its_number_is_another(world: FakeProcesses, sampler: Sampler) -> None:
    sampler.sample([1])
    advance(world, 1.0, {1: reading(99.0, started=50.0)})
    assert sampler.sample([1]) == {}
    assert world.forgotten == [1]
    assert sampled(world, sampler) is None


def test_one_that_is_gone_is_forgotten_with_its_family(world: FakeProcesses, sampler: Sampler) -> None:
    world.readings, world.parents = {1: reading(), 2: reading()}, {2: 1}
    sampler.sample([1])
    advance(world, 1.0, {2: reading()})
    assert sampler.sample([1]) == {}
    assert sorted(world.forgotten) == [1, 2]


def test_without_its_family_a_process_stands_alone(world: FakeProcesses, sampler: Sampler) -> None:
    world.readings, world.parents = {1: reading(1.0), 2: reading(5.0)}, {2: 1}
    sample = sampler.sample([1], with_family=False)[1]
    assert (sample.rss, sample.family) == (1000, ())


def test_an_idle_process_has_one_sample_until_it_does_something(world: FakeProcesses, sampler: Sampler) -> None:
    samples = []
    for _ in range(4):
        samples.append(sampler.sample([1])[1])
        world.now += 1.0
    assert [each.cpu for each in samples] == [None, 0.0, 0.0, 0.0]
    assert samples[1] is samples[2] is samples[3]
    # A second has passed since its last sample, not four.
    advance(world, 0.0, {1: reading(10.3)})
    assert sampled(world, sampler) == pytest.approx(30.0)


def test_an_idle_process_that_has_a_child_is_summed(world: FakeProcesses, sampler: Sampler) -> None:
    for _ in range(3):
        sampler.sample([1])
        world.now += 1.0
    world.readings[2], world.parents = reading(0.5), {2: 1}
    sample = sampler.sample([1])[1]
    assert (sample.cpu, sample.family) == (pytest.approx(50.0), (2,))
