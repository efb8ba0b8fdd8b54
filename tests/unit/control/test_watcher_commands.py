"""add, rm, set, save, jobs, ipython against a recording arbiter: what they ask for, and what they refuse."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from circus_stack.arbiter.outcome import Outcome
from circus_stack.config.schema import WatcherConfig
from circus_stack.config.values import ReloadMode, StreamConfig
from circus_stack.control.desk import Saved
from circus_stack.errors import CommandError, Problem, ReloadError
from tests.support.fake_arbiter import FakeArbiter
from tests.unit.control.test_handlers import ask


def added(arbiter: FakeArbiter) -> WatcherConfig:
    [(_, config)] = [call for call in arbiter.calls if call[0] == "add_watcher"]
    assert isinstance(config, WatcherConfig)
    return config


def changed(arbiter: FakeArbiter) -> WatcherConfig:
    [(_, _, config)] = [call for call in arbiter.calls if call[0] == "set_config"]
    assert isinstance(config, WatcherConfig)
    return config


def test_add_takes_what_json_has() -> None:
    arbiter = FakeArbiter()
    options = {
        "numprocesses": 3,
        "copy_env": True,
        "env": {"A": "b"},
        "rlimit_nofile": 500,
        "stdout_stream": {"class": "FileStream", "filename": "/x"},
        "graceful_timeout": 2.5,
    }

    reply = ask("add", arbiter, name="new", cmd="sleep", args=["3", "two words"], options=options)

    config = added(arbiter)
    assert reply == {}
    assert (config.name, config.cmd, config.args) == ("new", "sleep", "3 'two words'")
    assert (config.numprocesses, config.copy_env, config.graceful_timeout) == (3, True, 2.5)
    assert dict(config.env) == {"A": "b"}
    assert config.rlimits == {"nofile": (500, 500)}
    assert config.stdout_stream == StreamConfig("FileStream", {"filename": "/x"})
    assert arbiter.calls == [("add_watcher", config)]


def test_add_that_starts_tells_what_was_started_where_circus_does() -> None:
    arbiter = FakeArbiter()

    reply = ask("add", arbiter, name="new", cmd="sleep 3", start=True, waiting=True)

    assert reply == {"started": (21, 22), "kept": (13,), "job": "1"}
    assert arbiter.calls[1] == ("start", ("new",))


@pytest.mark.parametrize(
    ("properties", "words", "errno"),
    [
        ({"name": "WEB", "cmd": "x"}, "'WEB' already exist", 5),
        ({"name": "n", "cmd": "x", "options": {"zzz": 1}}, "unknown key 'zzz'", 3),
        ({"name": "n", "cmd": "x", "options": {"numprocesses": "x"}}, "numprocesses: 'x'", 3),
        ({"name": "n", "cmd": "x", "options": []}, "'options' must be an object", 3),
        ({"name": "n", "cmd": "x", "options": {"singleton": True, "numprocesses": 2}}, "singleton", 5),
        ({"name": "n", "cmd": "x", "options": {"hooks": 5}}, "hooks", 3),
        ({"name": "a[b]\n", "cmd": "x"}, "not a valid name", 3),
        ({"name": "n", "cmd": "x", "options": {"stop_signal": {}}}, "stop_signal", 3),
    ],
)
def test_add_refuses(properties: dict[str, Any], words: str, errno: int) -> None:
    arbiter = FakeArbiter()

    with pytest.raises(CommandError) as caught:
        ask("add", arbiter, **properties)

    assert words in str(caught.value)
    assert caught.value.errno == errno
    assert arbiter.calls == []


@pytest.mark.parametrize(("options", "is_legal"), [({"uid": "ops"}, True), ({"uid": "root"}, False), ({}, False)])
def test_the_owner_of_the_endpoint_adds_for_himself_alone(options: dict[str, Any], is_legal: bool) -> None:
    arbiter = FakeArbiter()

    def add() -> None:
        ask("add", arbiter, offices={"endpoint_owner": lambda: "ops"}, name="new", cmd="x", options=options)

    if is_legal:
        add()
    else:
        with pytest.raises(CommandError, match="uid option should be 'ops'"):
            add()
    assert bool(arbiter.calls) is is_legal


def test_add_waits_for_the_end_of_a_reconfiguration() -> None:
    arbiter = FakeArbiter()
    arbiter.is_reconfiguring = True
    arbiter.reconfigured.set()

    assert ask("add", arbiter, name="new", cmd="x") == {}
    assert added(arbiter).name == "new"


@pytest.mark.parametrize("hooks", [{}, {"before_start": "a.b"}])
def test_what_the_system_knows_better_is_refused(hooks: dict[str, str]) -> None:
    arbiter = FakeArbiter()
    offices = {"check_watcher": lambda config: [Problem("no such user", "x.ini", 3, option="uid", found=config.uid)]}

    for command, properties in (("add", {"name": "new", "cmd": "x"}), ("set", {"name": "web"})):
        with pytest.raises(CommandError, match=r"^uid: no such user; found 'nobody9'"):
            ask(command, arbiter, offices=offices, options={"uid": "nobody9", "hooks": hooks}, **properties)
    assert arbiter.calls == []


def test_rm() -> None:
    arbiter = FakeArbiter()

    assert ask("rm", arbiter, name="WEB", waiting=True) == {"job": "1"}
    assert ask("rm", arbiter, name="web", nostop=True) == {"job": "2"}
    assert arbiter.calls == [("remove_watcher", "web", True), ("remove_watcher", "web", False)]


def test_set_changes_all_that_is_named() -> None:
    arbiter = FakeArbiter()
    options = {"numprocesses": 4, "stop_signal": "INT", "flapping.window": 9, "send_hup": True, "env": {"A": "1"}}

    assert ask("set", arbiter, name="WEB", options=options, waiting=True) == {"job": "1"}

    config = changed(arbiter)
    assert (config.numprocesses, config.stop_signal, config.extra["flapping.window"]) == (4, 2, "9")
    assert config.reload_mode is ReloadMode.HUP
    assert config.env == {"A": "1"}
    assert config.cmd == "chaussette app"


def test_set_takes_pairs_of_words_as_a_command_line_has_them() -> None:
    arbiter = FakeArbiter()

    ask("set", arbiter, name="web", options=["numprocesses", "4", "graceful_timeout", "2"])

    assert (changed(arbiter).numprocesses, changed(arbiter).graceful_timeout) == (4, 2.0)


def test_below_nothing_is_nothing_as_circus_has_it() -> None:
    arbiter = FakeArbiter()

    ask("set", arbiter, name="web", options={"numprocesses": -1})

    assert changed(arbiter).numprocesses == 0


@pytest.mark.parametrize(
    ("name", "options", "words", "errno"),
    [
        ("web", {"numprocesses": 3, "zzz": 1}, "unknown key 'zzz'", 3),
        ("web", {"numprocesses": 3, "warmup_delay": "abc"}, "warmup_delay: 'abc' is not", 3),
        ("web", {"copy_env": "perhaps"}, "copy_env", 3),
        ("web", {"rlimit_nothing": 1}, "rlimit_nothing", 3),
        ("web", {"env": {"A": {}}}, "env", 3),
        ("web", {"depends_on": "nobody"}, "depends_on", 3),
        ("web", {"stdout_stream.filename": None}, "stdout_stream.filename", 3),
        ("big one", {"numprocesses": 2}, "is a singleton", 5),
    ],
)
def test_set_is_all_or_nothing(name: str, options: dict[str, Any], words: str, errno: int) -> None:
    arbiter = FakeArbiter()

    with pytest.raises(CommandError) as caught:
        ask("set", arbiter, name=name, options=options)

    assert words in str(caught.value)
    assert caught.value.errno == errno
    assert arbiter.calls == []


def test_set_that_would_not_serve_is_an_error_to_who_waits() -> None:
    async def fail() -> Outcome:
        raise ReloadError("web: not ready; the old processes serve on")

    with pytest.raises(ReloadError, match="serve on"):
        ask("set", FakeArbiter(fail), name="web", options={"cmd": "x"}, waiting=True)
    assert ask("set", FakeArbiter(fail), name="web", options={"cmd": "x"}) == {"job": "1"}


def test_what_applies_at_once_has_done_so_before_the_answer() -> None:
    done = []

    async def apply() -> Outcome:
        await asyncio.sleep(0)
        done.append(True)
        return Outcome()

    ask("set", FakeArbiter(apply), name="web", options={"graceful_timeout": 3})

    assert done == [True]


def test_save() -> None:
    async def save() -> Saved:
        return Saved("/x.ini", ("~ one",), ("two",), ("/y.ini",))

    assert ask("save", offices={"save": save}) == {
        "saved": "/x.ini",
        "files": ("/y.ini",),
        "changes": ("~ one",),
        "unsaved": ("two",),
    }
    with pytest.raises(CommandError, match="not read from a file"):
        ask("save")


def test_jobs_tell_what_was_asked_for_and_how_it_ended() -> None:
    async def fail() -> Outcome:
        raise CommandError("it was overtaken")

    arbiter = FakeArbiter(fail)
    with pytest.raises(CommandError, match="overtaken"):
        ask("restart", arbiter, name="web", waiting=True)

    [job] = ask("jobs", arbiter)["jobs"]
    assert (job["id"], job["command"], job["state"], job["error"]) == ("1", "restart", "failed", "it was overtaken")
    assert (job["asked"], job["started"], job["ended"]) == (50.0, 50.0, 50.0)
    assert ask("jobs", arbiter, id="1")["jobs"] == [job]
    with pytest.raises(CommandError, match="no job '7'"):
        ask("jobs", arbiter, id="7")


def test_ipython_needs_more_than_a_client() -> None:
    assert ask("ipython") == {"shell": False, "msg": "debug is off: the arbiter offers no shell"}
    kernel: Callable[[], tuple[str, str]] = lambda: ("/k.json", "connect")  # noqa: E731
    assert ask("ipython", offices={"open_shell": kernel}) == {"shell": "/k.json", "msg": "connect"}


def test_get_knows_dotted_names_and_no_keys_at_all() -> None:
    arbiter = FakeArbiter()
    arbiter.configs["web"] = WatcherConfig(name="web", stdout_stream=StreamConfig("FileStream", {"filename": "/x"}))

    assert ask("get", arbiter, name="web", keys=["stdout_stream.filename", "stdout_stream.class"]) == {
        "options": {"stdout_stream.filename": "/x", "stdout_stream.class": "FileStream"}
    }
    assert ask("get", name="web", keys=[]) == {"options": {}}
    assert ask("globaloptions", option="")["options"].keys() == {"endpoint", "check_delay"}


def test_extended_figures_have_what_hooks_add() -> None:
    info: Mapping[str, Any] = ask("stats", name="web", extended=True)["info"]

    assert {pid: each["by_hook"] for pid, each in info.items()} == {"11": 11, "12": 12}
    assert "by_hook" not in ask("stats", name="web")["info"]["11"]


def test_extended_status_tells_who_is_armed_and_what_was_dropped() -> None:
    watchers = ask("status", offices={"dropped_lines": lambda name: len(name)}, extended=True)["watchers"]

    assert {name: (each["armed"], each["dropped_lines"]) for name, each in watchers.items()} == {
        "web": (False, 3),
        "Big One": (True, 7),
    }


def test_a_negative_number_goes_the_other_way() -> None:
    arbiter = FakeArbiter()

    assert ask("incr", arbiter, name="web", nb=-1, waiting=True) == {"numprocesses": 1, "job": "1"}
    assert ask("decr", arbiter, name="web", nb="-2", waiting=True) == {"numprocesses": 3, "job": "2"}


_OWNED = {"endpoint_owner": lambda: "ops"}


@pytest.mark.parametrize(
    "options",
    [
        {"hooks.before_start": "os.getcwd"},
        {"stdout_stream": {"class": "FileStream", "filename": "/etc/cron.d/x"}},
        {"stderr_stream.class": "os.getcwd"},
        {"working_dir": "/root"},
        {"rlimit_nofile": 1000000},
        {"copy_env": True},
        {"ready": "exec:id"},
        {"gid": "root"},
        {"env": {"LD_PRELOAD": "/tmp/x.so"}},
    ],
)
def test_the_owner_of_the_endpoint_adds_nothing_that_acts_as_the_arbiter(options: dict[str, Any]) -> None:
    arbiter = FakeArbiter()
    [key] = options
    with pytest.raises(CommandError, match=rf"{key.split('.')[0].split('_nofile')[0]}.*the endpoint belongs to 'ops'"):
        ask("add", arbiter, offices=_OWNED, name="new", cmd="x", options={"uid": "ops", **options})
    assert arbiter.calls == []


def test_the_owner_of_the_endpoint_changes_only_how_many_processes_of_others_there_are() -> None:
    arbiter = FakeArbiter()
    ask("add", arbiter, offices=_OWNED, name="own", cmd="x", options={"uid": "ops", "env": {"A": "1"}})
    arbiter.calls.clear()

    for name, options in (
        ("own", {"uid": "root"}),
        ("own", {"gid": "0"}),
        ("web", {"cmd": "id"}),
        ("web", {"uid": "ops"}),
    ):
        with pytest.raises(CommandError, match="the endpoint belongs to 'ops'"):
            ask("set", arbiter, offices=_OWNED, name=name, options=options)
    assert arbiter.calls == []

    ask("set", arbiter, offices=_OWNED, name="own", options={"cmd": "y", "env": {"A": "2"}, "numprocesses": 2})
    ask("set", arbiter, offices=_OWNED, name="web", options={"numprocesses": 4, "graceful_timeout": 3})
    assert [call[0] for call in arbiter.calls] == ["set_config", "set_config"]


def test_no_shell_for_the_owner_of_the_endpoint() -> None:
    offices = {**_OWNED, "open_shell": lambda: ("/kernel.json", "open")}
    assert ask("ipython", FakeArbiter(), offices=offices)["shell"] is False
    assert ask("ipython", FakeArbiter(), offices={**offices, "endpoint_owner": lambda: None})["shell"] == "/kernel.json"
