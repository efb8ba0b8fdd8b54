"""What the autoscaler decides: within the range, not too soon, and never to and fro with a load that comes and goes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from circus_stack.plugins.scaling.charge import Charge
from circus_stack.plugins.scaling.policy import Policy
from circus_stack.plugins.scaling.scaler import Decision, Scaler
from circus_stack.scaling import ScaleRange, parse_condition


def policy(
    most: int = 8,
    *,
    least: int = 1,
    up: str = "busy > 80%",
    down: str = "busy < 50%",
    up_s: float = 5,
    down_s: float = 20,
    step: int = 1,
) -> Policy:
    return Policy(
        range=ScaleRange(least, most),
        up=parse_condition(up),
        down=parse_condition(down),
        up_cooldown_s=up_s,
        down_cooldown_s=down_s,
        step=step,
    )


def run(scaler: Scaler, busy: Iterable[float | None], at: int = 0) -> list[tuple[int, int, int]]:
    """The decisions as (second, old, new), each carried out at once; a sample a second."""
    found = []
    for second, figure in enumerate(busy, start=at):
        decision = scaler.take({} if figure is None else {"busy": figure}, float(second))
        if decision is not None:
            found.append((second, decision.old, decision.new))
            scaler.follow(scaler.policy, decision.new, float(second))
    return found


def test_second_sample_in_a_row_decides() -> None:
    scaler = Scaler(policy(), 1, now=-100)
    assert run(scaler, [100, 100]) == [(1, 1, 2)]
    assert run(Scaler(policy(), 1, now=-100), [0, 100, 0, 100]) == []


def test_reason_has_the_figures() -> None:
    scaler = Scaler(policy(), 1, now=-100)
    scaler.take({"busy": 90}, 0)
    assert scaler.take({"busy": 100}, 1) == Decision(1, 2, "busy 95% > 80%")


def test_next_step_waits_for_the_cooldown_and_ends_at_the_most() -> None:
    decisions = run(Scaler(policy(most=6, step=2), 1, now=-100), [100] * 30)
    assert decisions == [(1, 1, 3), (6, 3, 5), (11, 5, 6)]


def test_first_decision_waits_for_the_cooldown_too() -> None:
    assert run(Scaler(policy(), 1, now=0), [100] * 8) == [(5, 1, 2)]


def test_fewer_wait_until_fewer_were_enough_for_the_whole_cooldown() -> None:
    scaler = Scaler(policy(), 4, now=0)
    assert run(scaler, [60] * 30 + [10] * 55) == [(51, 4, 3), (72, 3, 2)]


def test_one_busy_moment_begins_the_wait_anew() -> None:
    assert run(Scaler(policy(most=4), 4, now=0), [10] * 18 + [100, 100] + [10] * 15) == []


def test_fewer_are_not_enough_where_the_rest_would_be_too_busy() -> None:
    assert run(Scaler(policy(down_s=5), 2, now=0), [45] * 60) == []
    assert run(Scaler(policy(down_s=5), 2, now=0), [35] * 20) == [(5, 2, 1)]


def test_of_a_large_step_so_much_is_taken_as_leaves_enough() -> None:
    scaler = Scaler(policy(most=10, down_s=5, step=5), 10, now=0)
    assert run(scaler, [45] * 7) == [(5, 10, 6)]


def test_highest_moment_of_the_wait_counts() -> None:
    """Means are low; the moments in which two samples were high would be too much for one process less."""
    assert run(Scaler(policy(down_s=8), 2, now=0), [0, 0, 60, 60, 0] * 20) == []


def test_highest_moment_counts_no_longer_than_one_wait() -> None:
    scaler = Scaler(policy(down_s=8), 2, now=0)
    assert run(scaler, [0, 0, 60, 60, 0] * 4) == []
    [(second, old, new)] = run(scaler, [0] * 20, at=20)
    assert (old, new) == (2, 1)
    assert second <= 20 + 2 * 9


def test_change_by_anybody_begins_the_cooldowns_anew() -> None:
    scaler = Scaler(policy(), 2, now=-100)
    run(scaler, [100])
    scaler.follow(scaler.policy, 3, 1.0)
    assert run(scaler, [100] * 8, at=1) == [(6, 3, 4)]


def test_beyond_the_range_nothing_is_decided() -> None:
    for busy in (100, 0):
        assert run(Scaler(policy(most=4), 9, now=-100), [busy] * 60) == []
        assert run(Scaler(policy(least=3, most=4), 1, now=-100), [busy] * 60) == []


def test_what_nobody_knows_decides_nothing() -> None:
    scaler = Scaler(policy(), 4, now=-100)
    assert run(scaler, [None] * 60) == []
    assert scaler.missing == ("busy",)
    assert run(scaler, [10] * 15 + [None] + [10] * 15, at=60) == []


def test_more_where_another_figure_is_enough_for_it() -> None:
    scaler = Scaler(policy(up="busy > 80% or backlog > 10"), 1, now=-100)
    assert run(scaler, [100, 100]) == [(1, 1, 2)]
    assert scaler.missing == ()


def test_where_fewer_was_a_mistake_the_next_time_waits_longer() -> None:
    """The load comes every 40 s, the cooldown is 20: what the first pause takes away, later ones don't."""
    scaler = Scaler(policy(most=2), 1, now=-100)
    wave = ([100.0] * 12 + [0.0] * 28) * 20
    changes = [second for second, _, _ in run(scaler, wave)]
    assert len(changes) == 3
    assert max(changes) < 60


def test_patience_ends_where_fewer_was_right_for_long() -> None:
    scaler = Scaler(policy(most=2), 1, now=-100)
    run(scaler, [100.0] * 12 + [0.0] * 28 + [100.0] * 12)
    calm = run(scaler, [0.0] * 200, at=52)
    assert [(old, new) for _, old, new in calm] == [(2, 1)]
    assert calm[0][0] > 52 + 2 * 20
    run(scaler, [100.0] * 5, at=252)
    assert run(scaler, [0.0] * 40, at=257)[0][0] < 257 + 2 * 20


# -- a load that comes and goes -------------------------------------------------------------------------------


def closed(load: Callable[[int], float], scaler: Scaler, seconds: int) -> list[int]:
    """The numbers of processes, one after the other; `load` is work for so many of them."""
    numbers = [scaler.number]
    for second in range(seconds):
        figures = {"busy": min(100.0, 100.0 * load(second) / scaler.number)}
        decision = scaler.take(figures, float(second))
        if decision is not None:
            scaler.follow(scaler.policy, decision.new, float(second))
            numbers.append(decision.new)
    return numbers


def turns(numbers: list[int]) -> int:
    """How often the direction changes."""
    steps = [after > before for before, after in pairwise(numbers)]
    return sum(first != second for first, second in pairwise(steps))


_LOADS = st.integers(0, 160).map(lambda tenth: tenth / 10)


@settings(max_examples=60)
@given(
    high=_LOADS,
    low=_LOADS,
    period=st.integers(2, 19),
    share=st.floats(0.1, 0.9),
    step=st.integers(1, 6),
    start=st.integers(2, 12),
)
def test_square_wave_shorter_than_the_cooldown_makes_it_turn_once_at_most(
    high: float, low: float, period: int, share: float, step: int, start: int
) -> None:
    def wave(second: int) -> float:
        return high if second % period < period * share else low

    scaler = Scaler(policy(least=2, most=12, down_s=20, step=step), start, now=-100)
    numbers = closed(wave, scaler, 200)
    assert turns(numbers) <= 1
    assert all(2 <= number <= 12 for number in numbers)


@settings(max_examples=25)
@given(period=st.integers(20, 160), share=st.floats(0.2, 0.8), high=_LOADS)
def test_square_wave_of_any_period_is_followed_ever_more_slowly(period: int, share: float, high: float) -> None:
    def wave(second: int) -> float:
        return high if second % period < period * share else 0.0

    scaler = Scaler(policy(most=4, down_s=20), 1, now=-100)
    seconds = 800
    # Followed at its own pace: up and down once a period at most.
    assert turns(closed(wave, scaler, seconds)) <= 2 * seconds / period + 1


@settings(max_examples=80)
@given(
    figures=st.lists(st.one_of(st.none(), st.floats(0, 100)), max_size=120),
    start=st.integers(0, 20),
    least=st.integers(1, 6),
    width=st.integers(0, 6),
    step=st.integers(1, 9),
)
def test_never_leaves_the_range(figures: list[float | None], start: int, least: int, width: int, step: int) -> None:
    scaler = Scaler(policy(least=least, most=least + width, up_s=0, down_s=2, step=step), start, now=-100)
    for _, old, new in run(scaler, figures):
        assert old in scaler.policy.range
        assert new in scaler.policy.range
        assert new != old


def test_load_that_doubles_is_met_and_left_again() -> None:
    scaler = Scaler(policy(most=8), 2, now=-100)
    numbers = closed(lambda second: 1.4 if second < 30 or second >= 100 else 2.8, scaler, 300)
    assert numbers == [2, 3, 4, 3, 2]


# -- what is said ---------------------------------------------------------------------------------------------


def test_missing_figures_are_told_once_and_so_is_their_return() -> None:
    charge = Charge("web", Scaler(policy(), 1, now=0))
    told = []
    for second, figure in enumerate([None] * 12 + [10.0] * 3 + [None] * 12):
        charge.scaler.take({} if figure is None else {"busy": figure}, float(second))
        told.append(charge.complaint())
    assert [text for text in told if text] == [
        "web: nobody knows its busy: what depends on that is not decided",
        "web: its figures are known again",
        "web: nobody knows its busy: what depends on that is not decided",
    ]


def test_same_decision_of_a_dry_run_is_no_news_for_a_while() -> None:
    charge = Charge("web", Scaler(policy(), 1, now=0))
    assert charge.is_news(Decision(1, 2, "busy"), 0)
    assert not charge.is_news(Decision(1, 2, "busy"), 59)
    assert charge.is_news(Decision(1, 2, "busy"), 60)
    assert charge.is_news(Decision(2, 1, "calm"), 61)
