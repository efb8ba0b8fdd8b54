from __future__ import annotations

import dataclasses
from pathlib import Path

from circus_stack.config.diff import Diff, diff, watcher_changes
from circus_stack.config.option import Change
from circus_stack.config.schema import StackConfig, WatcherConfig
from circus_stack.config.values import StreamConfig
from tests.unit.config.stacks import APP, paste

BASE = f"{APP}[server:main]\nuse = egg:circus-stack\nworkers = 2\nlisten = :80\n[service:redis]\n"


def change(old: StackConfig, **fields: object) -> Diff:
    watcher = dataclasses.replace(old.watchers[0], **fields)  # type: ignore[arg-type]
    return diff(old, dataclasses.replace(old, watchers=(watcher, *old.watchers[1:])))


def test_the_same_file_makes_no_difference(tmp_path: Path) -> None:
    found = diff(paste(tmp_path, BASE), paste(tmp_path, "\n\n# moved\n" + BASE))
    assert found == Diff()
    assert found.lines() == ()


def test_each_kind_of_difference_is_a_line(tmp_path: Path) -> None:
    new = BASE.replace("workers = 2", "workers = 3").replace(":80", ":81").replace("[service:redis]\n", "")
    new += "[watcher:jobs]\ncmd = x\n[socket:s]\nport = 5\n[circus]\nloglevel = debug\n"
    found = diff(paste(tmp_path, BASE), paste(tmp_path, new))
    assert (found.watchers_added, found.watchers_removed) == (("jobs",), ("redis",))
    assert (found.sockets_added, [each.name for each in found.sockets_changed]) == (("s",), ["web"])
    assert [each.name for each in found.circus] == ["loglevel"]
    assert [line[0] for line in found.lines()] == ["~", "+", "~", "+", "-", "~", "~"]
    assert "~ [watcher:web] numprocesses: 2 -> 3 (processes are added or taken away)" in found.lines()


def test_a_difference_tells_no_secret(tmp_path: Path) -> None:
    old = paste(tmp_path, BASE)
    lines = change(old, cmd="run --token 'hid den'", extra={"password": "hidden too", "x": "seen"}).lines()
    assert "hid" not in "".join(lines)
    assert "extra: nothing -> password=*** x=seen" in "".join(lines)


def test_the_strongest_change_counts(tmp_path: Path) -> None:
    old = paste(tmp_path, BASE)
    assert change(old, numprocesses=5).watchers_changed[0].change is Change.SCALE
    assert change(old, numprocesses=5, priority=1).watchers_changed[0].change is Change.SCALE
    assert change(old, numprocesses=5, cmd="other").watchers_changed[0].change is Change.ROLL
    assert change(old, stdout_stream=StreamConfig("X")).watchers_changed[0].change is Change.APPLY


def test_values_of_the_environment_are_not_told(tmp_path: Path) -> None:
    old = paste(tmp_path, BASE + "[env]\nA = secret1\nB = secret2\nC = same\n")
    lines = change(old, env={"A": "secret3", "C": "same", "D": "secret4"}).lines()
    assert lines == (f"~ [watcher:web] env: +D -B ~A ({Change.ROLL})",)


def test_values_are_told_as_a_file_writes_them(tmp_path: Path) -> None:
    old = paste(tmp_path, BASE)
    limits = change(old, rlimits={"nofile": (500, 500), "core": (0, -1)}).lines()
    assert limits[0].startswith("~ [watcher:web] rlimits: nothing -> nofile=500 core=0:infinity (")
    circus = dataclasses.replace(old, circus=dataclasses.replace(old.circus, umask=0o22))
    (line,) = diff(dataclasses.replace(old, circus=dataclasses.replace(old.circus, umask=0o27)), circus).lines()
    assert line.startswith("~ [circus] umask: 027 -> 022 (")


def test_passwords_in_urls_are_hidden(tmp_path: Path) -> None:
    lines = change(paste(tmp_path, BASE), cmd="x --url redis://u:secret@h/0").lines()
    assert "secret" not in lines[0]


def test_a_services_own_option_replaces_its_process(tmp_path: Path) -> None:
    found = diff(paste(tmp_path, BASE), paste(tmp_path, BASE + "maxmemory = 64mb\n"))
    assert [(each.name, each.change) for each in found.watchers_changed] == [("redis", Change.ROLL)]


def test_a_service_that_became_a_watcher_counts_once(tmp_path: Path) -> None:
    stack = paste(tmp_path, BASE)
    composed = dataclasses.replace(stack, watchers=(WatcherConfig(name="redis", cmd="redis-server"), *stack.watchers))
    assert diff(composed, composed) == Diff()
    changed = dataclasses.replace(composed.watchers[0], cmd="redis-server x")
    found = diff(composed, dataclasses.replace(composed, watchers=(changed, *stack.watchers)))
    assert [each.name for each in found.watchers_changed] == ["redis"]


def test_fields_without_a_declaration_take_effect_at_once() -> None:
    old = WatcherConfig(name="a", cmd="x")
    assert watcher_changes(old, dataclasses.replace(old, extra={"k": "v"})) == {"extra": Change.APPLY}
    assert watcher_changes(old, dataclasses.replace(old, where={})) == {}


def test_a_singleton_is_said_to_stop_first(tmp_path: Path) -> None:
    text = f"{APP}[watcher:lock]\ncmd = a\nsingleton = yes\n"
    found = diff(paste(tmp_path, text), paste(tmp_path, text.replace("cmd = a", "cmd = b")))
    assert found.lines() == ("~ [watcher:lock] cmd: a -> b (the process is stopped, then started)",)


def test_a_changed_service_shows_its_own_options(tmp_path: Path) -> None:
    old, new = paste(tmp_path, BASE), paste(tmp_path, BASE + "maxmemory = 64mb\n")
    service = WatcherConfig(name="redis", cmd="redis-server", singleton=True, env={"CIRCUS_STACK_FILES": "1"})
    changed = dataclasses.replace(service, env={"CIRCUS_STACK_FILES": "2"})
    found = diff(
        dataclasses.replace(old, watchers=(service, *old.watchers)),
        dataclasses.replace(new, watchers=(changed, *new.watchers)),
    )
    assert found.lines() == ("~ [service:redis] maxmemory: nothing -> 67108864 (the process is stopped, then started)",)
