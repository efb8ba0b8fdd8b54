"""What was changed at run time, and a file that is read again."""

from __future__ import annotations

from dataclasses import replace

from circus_stack.arbiter.merging import kept_lines, merged_stack, running_stack
from circus_stack.config.schema import CircusConfig, SourceKind, StackConfig, WatcherConfig

WEB = WatcherConfig(name="web", cmd="serve", numprocesses=2, env={"A": "1", "B": "1"})
JOB = WatcherConfig(name="job", cmd="work")


def stack(*watchers: WatcherConfig) -> StackConfig:
    return StackConfig(source="x.ini", kind=SourceKind.CIRCUS, circus=CircusConfig(), watchers=watchers)


def merged(declared: StackConfig, running: list[WatcherConfig], now: StackConfig) -> dict[str, WatcherConfig]:
    found = merged_stack(declared, {each.name: each for each in running}, now)
    return {each.name: each for each in found.watchers}


def test_without_changes_the_file_holds() -> None:
    now = stack(replace(WEB, cmd="serve 2"), WatcherConfig(name="new", cmd="x"))

    assert merged(stack(WEB, JOB), [WEB, JOB], now) == {each.name: each for each in now.watchers}


def test_what_an_operator_set_stays_unless_the_file_changed_that_very_field() -> None:
    running = replace(WEB, numprocesses=5, graceful_timeout=9.0, env={"A": "9", "B": "9", "C": "9"})
    now = replace(WEB, numprocesses=3, cmd="serve 2", env={"A": "1", "B": "2"})

    web = merged(stack(WEB), [running], stack(now))["web"]

    assert (web.cmd, web.numprocesses, web.graceful_timeout) == ("serve 2", 3, 9.0)
    assert web.env == {"A": "9", "B": "2", "C": "9"}


def test_what_was_added_stays_and_what_was_removed_stays_away() -> None:
    extra = WatcherConfig(name="extra", cmd="x")

    found = merged(stack(WEB, JOB), [WEB, extra], stack(WEB, JOB))

    assert found == {"web": WEB, "extra": extra}
    now = stack(WEB, JOB)
    assert kept_lines(now, merged_stack(stack(WEB, JOB), {"web": WEB, "extra": extra}, now)) == (
        "= [watcher:extra] stays: it was added at run time",
        "= [watcher:job] stays away: it was removed at run time",
    )


def test_the_file_has_the_last_word_on_a_watcher_that_it_changed() -> None:
    changed, own = replace(JOB, cmd="work harder"), WatcherConfig(name="Extra", cmd="y")

    found = merged(stack(WEB, JOB), [WEB, WatcherConfig(name="extra", cmd="x")], stack(WEB, changed, own))

    assert found == {"web": WEB, "job": changed, "Extra": own}


def test_a_watcher_that_the_file_no_longer_has_goes_though_it_was_changed() -> None:
    assert merged(stack(WEB, JOB), [WEB, replace(JOB, cmd="x")], stack(WEB)) == {"web": WEB}


def test_each_field_that_stays_is_told() -> None:
    running = replace(WEB, numprocesses=5)

    now = stack(WEB)
    [line] = kept_lines(now, merged_stack(stack(WEB), {"web": running}, now))

    assert line == "= [watcher:web] numprocesses: 2 -> 5 (set at run time, stays)"
    assert running_stack(now, {"web": running}).watchers == (running,)
