"""When a watcher counts as flapping, and whose word about it stands."""

from __future__ import annotations

import pytest

from circus_stack.plugins.flapping_record import Pause, Record, Settings, Verdict


def test_deaths_within_the_window_are_flapping():
    record, settings = Record(), Settings(attempts=3, window=1)

    assert [record.died(now, settings) for now in (0, 0.5, 1.0)] == [Verdict.NOTHING, Verdict.NOTHING, Verdict.PAUSE]
    assert record.tries == 1


def test_deaths_far_apart_are_not():
    record, settings = Record(tries=2), Settings(attempts=2, window=1)

    assert [record.died(now, settings) for now in (0, 1.5)] == [Verdict.NOTHING, Verdict.NOTHING]
    assert record.tries == 0


def test_time_that_the_arbiter_held_a_respawn_back_does_not_count():
    record, settings = Record(), Settings(attempts=2, window=1)
    record.held_back(9)
    record.died(0, settings)
    record.held_back(8)

    assert record.died(8.5, settings) is Verdict.PAUSE


def paused(settings: Settings) -> Record:
    record = Record()
    for now in range(settings.attempts):
        record.died(now / 100, settings)
    record.pause = Pause(since=1.0)
    record.stopped()
    return record


def test_after_its_tries_it_is_given_up():
    settings = Settings(attempts=1, max_retry=2)
    record = Record()
    verdicts = []
    for now in range(3):
        verdicts.append(record.died(now, settings))
        record.pause = Pause(since=now)
        record.stopped()
        record.resumed()
        record.started()

    assert verdicts == [Verdict.PAUSE, Verdict.PAUSE, Verdict.GIVE_UP]


def test_for_ever_is_for_ever():
    record, settings = Record(tries=1000), Settings(attempts=1, max_retry=-1)

    assert record.died(0, settings) is Verdict.PAUSE


def test_an_inactive_one_does_nothing():
    record, settings = Record(), Settings(attempts=1, active=False)

    assert record.died(0, settings) is Verdict.NOTHING


def test_deaths_during_the_pause_are_those_of_our_stop():
    settings = Settings(attempts=1)
    record = paused(settings)

    assert record.died(5, settings) is Verdict.NOTHING


def test_news_from_before_our_stop_leave_the_plan():
    record = Record(pause=Pause(since=1.0))
    record.started()

    assert record.pause is not None
    assert record.stopped()


@pytest.mark.parametrize("word", [Record.started, Record.stopped, Record.taken_over])
def test_a_word_of_somebody_else_during_the_pause_ends_the_plan(word):
    record = paused(Settings(attempts=1))
    word(record)

    assert record.pause is None
    assert record.tries == 0


def test_our_own_start_keeps_the_tries_and_another_one_forgets_them():
    record = paused(Settings(attempts=1))
    record.resumed()
    record.started()
    assert record.tries == 1

    record.started()
    assert record.tries == 0


def test_a_watcher_may_have_settings_of_its_own():
    settings = Settings().overridden({"flapping.attempts": "4", "flapping.active": "no", "cmd": "x"})

    assert settings == Settings(attempts=4, active=False)


@pytest.mark.parametrize(
    ("key", "text"), [("attempts", "0"), ("window", "x"), ("retry_in", "-1"), ("max_retry", "-2"), ("active", "si")]
)
def test_wrong_settings_are_told(key, text):
    with pytest.raises(ValueError, match=rf"flapping\.{key}: found '{text}'; legal: "):
        Settings().overridden({f"flapping.{key}": text})
