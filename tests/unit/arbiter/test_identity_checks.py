"""Users and groups that cannot be, before anything is started."""

from __future__ import annotations

from circus_stack.arbiter.checks import check_identities
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
