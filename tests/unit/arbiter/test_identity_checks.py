"""Users and groups that cannot be, before anything is started."""

from __future__ import annotations

from pathlib import Path

from circus_stack.arbiter.checks import check_identities, check_launches
from circus_stack.config.schema import WatcherConfig
from circus_stack.config.values import Location


def test_unknown_users_and_groups_are_mistakes_with_their_place() -> None:
    watchers = [
        WatcherConfig(name="a", uid="nobody-at-all", where={"uid": Location("x.ini", 7)}),
        WatcherConfig(name="b", gid="no-such-group", where={"gid": Location("x.ini", 9)}),
        WatcherConfig(name="c"),
    ]
    first, second = check_identities(watchers)
    assert (first.file, first.line, first.option, first.found) == ("x.ini", 7, "uid", "nobody-at-all")
    assert (second.line, second.option, second.found) == (9, "gid", "no-such-group")


def test_limits_and_environments_that_cannot_be_are_mistakes_with_their_place(tmp_path: Path) -> None:
    watchers = [
        WatcherConfig(name="a", rlimits={"nofile": (9, 5)}, where={"rlimit_nofile": Location("x.ini", 7)}),
        WatcherConfig(name="b", virtualenv=str(tmp_path), where={"virtualenv": Location("x.ini", 9)}),
        WatcherConfig(name="c", rlimits={"nofile": (5, 5)}),
    ]
    first, second = check_launches(watchers)
    assert (first.line, first.option, first.found) == (7, "rlimit_nofile", "9:5")
    assert "the soft limit 9 is above the hard limit 5" in first.message
    assert (second.line, second.option) == (9, "virtualenv")
    assert "there is no lib/pythonX.Y/site-packages in it" in second.message
