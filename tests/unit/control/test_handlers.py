"""Each command against a recording arbiter: what it asks for, and the fields of its answer, which are Circus's."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from circus_stack import __version__
from circus_stack.arbiter.outcome import Outcome
from circus_stack.control.desk import Desk, Offices
from circus_stack.control.handlers.table import HANDLERS
from circus_stack.control.sampler import Sampler
from circus_stack.errors import CommandError, Errno, ReloadError, UnknownWatcherError
from circus_stack.protocol.command import check_properties
from circus_stack.protocol.commands import COMMANDS
from circus_stack.streams.block import Block, Origin
from circus_stack.streams.tail import LiveTail
from tests.support.fake_arbiter import FakeArbiter


class StillSampler(Sampler):
    """Figures without a look at the system."""

    async def sample(self, pids: Any, *, extended: bool = False, with_children: bool = True) -> Any:
        return {pid: {"pid": pid, "extended": extended} for pid in pids}


async def reconfigure(*, roll: bool, dry_run: bool) -> tuple[str, ...]:
    return (f"roll={roll} dry_run={dry_run}",)


def make_desk(arbiter: FakeArbiter, **offices: Any) -> Desk:
    tail = LiveTail()
    tail.add(Block(Origin("web", 1, 11, "stdout"), 1.0, b"one\ntwo\n"))
    tail.add(Block(Origin("Big One", 1, 31, "stderr"), 2.0, b"caf\xe9\n"))
    return Desk(
        arbiter=arbiter,
        tail=tail,
        sampler=StillSampler(),
        reconfigure=reconfigure,
        offices=Offices(
            global_options=lambda: {"endpoint": "ipc://x", "check_delay": 5.0},
            labels=lambda name: {"backend": "gevent"} if name == "web" else {},
            seq=lambda: 7,
            **offices,
        ),
    )


def call(command: str, arbiter: FakeArbiter | None = None, /, **properties: Any) -> Mapping[str, Any]:
    """A command's fields, as the server would send them; without the job's id, which has tests of its own."""
    return {key: value for key, value in ask(command, arbiter, **properties).items() if key != "job"}


def ask(
    command: str, arbiter: FakeArbiter | None = None, /, offices: Mapping[str, Any] | None = None, **properties: Any
) -> Mapping[str, Any]:
    async def run() -> Mapping[str, Any]:
        desk = make_desk(arbiter or FakeArbiter(), **(offices or {}))
        result = HANDLERS[command](desk, check_properties(COMMANDS[command], properties))
        return await result if inspect.isawaitable(result) else result

    return asyncio.run(run())


def test_each_command_has_a_handler() -> None:
    assert HANDLERS.keys() == COMMANDS.keys()


@pytest.mark.parametrize("command", ["list", "status", "numwatchers", "numprocesses", "quit", "listsockets", "logs"])
def test_what_must_be_answered_at_once_waits_for_nothing(command: str) -> None:
    result = HANDLERS[command](make_desk(FakeArbiter()), check_properties(COMMANDS[command], {}))

    assert not inspect.isawaitable(result)


def test_what_may_answer_later_says_so() -> None:
    """By a property `waiting`, or as slow: else it does not count among the requests that wait."""
    for name, handler in HANDLERS.items():
        returned = handler.__annotations__["return"]
        if returned == "Answer" or "Awaitable" in returned or inspect.iscoroutinefunction(handler):
            command = COMMANDS[name]
            assert command.is_slow or any(each.name == "waiting" for each in command.properties), name


def test_list() -> None:
    assert call("list") == {"watchers": ["big one", "web"]}
    assert call("list", name="WEB") == {"pids": [11, 12]}


def test_status() -> None:
    assert call("status") == {"statuses": {"web": "active", "Big One": "stopped"}, "seq": 7}
    assert call("status", name="big one") == {"status": "stopped", "seq": 7}


def test_status_extended_has_processes_and_labels() -> None:
    web = call("status", extended=True)["watchers"]["web"]

    assert web["wanted"] == 2
    assert web["labels"] == {"backend": "gevent"}
    assert web["processes"][1] == {
        "pid": 11,
        "wid": 1,
        "state": "ready",
        "started": 100.0,
        "ready_at": 100.5,
        "generation": 1,
        "memory": None,
        "memory_kind": None,
    }


def test_counts() -> None:
    assert call("numwatchers") == {"numwatchers": 2}
    assert call("numprocesses") == {"numprocesses": 3}
    assert call("numprocesses", name="WEB") == {"numprocesses": 2, "watcher_name": "WEB"}


@pytest.mark.parametrize(
    ("command", "info"),
    [
        ("start", {"started": (21, 22), "kept": (13,)}),
        ("stop", None),
        ("restart", {"stopped": (11, 12), "started": (21, 22), "kept": (13,)}),
        ("reload", {"stopped": (11, 12), "started": (21, 22), "kept": (13,)}),
    ],
)
def test_a_named_operation_that_is_waited_for_tells_what_it_did(command: str, info: Any) -> None:
    arbiter = FakeArbiter()

    assert call(command, arbiter, name="WEB", waiting=True) == {"info": info}
    assert arbiter.calls == [(command, ("web",))]


@pytest.mark.parametrize("command", ["start", "stop", "restart", "reload"])
def test_an_operation_on_all(command: str) -> None:
    arbiter = FakeArbiter()

    assert call(command, arbiter, waiting=True) == {}
    assert arbiter.calls == [(command, None)]


@pytest.mark.parametrize("command", ["start", "stop", "restart", "reload"])
def test_an_operation_that_is_not_waited_for(command: str) -> None:
    arbiter = FakeArbiter()

    assert call(command, arbiter, name="web") == {}
    assert arbiter.calls == [(command, ("web",))]


def test_operations_take_patterns() -> None:
    arbiter = FakeArbiter()

    call("stop", arbiter, name="*e*")
    call("stop", arbiter, name="W.B", match="regex")

    assert arbiter.calls == [("stop", ("web", "Big One")), ("stop", ("web",))]


def test_reload_that_terminates_is_a_restart() -> None:
    arbiter = FakeArbiter()

    call("reload", arbiter, name="web", graceful=False)

    assert arbiter.calls == [("restart", ("web",))]


def test_a_sequential_reload_is_the_arbiters() -> None:
    arbiter = FakeArbiter()

    call("reload", arbiter, sequential=True, waiting=True)

    assert arbiter.calls == [("reload", None, "sequential")]


def test_a_reload_that_is_rolled_back_is_an_error() -> None:
    async def fail() -> Outcome:
        raise ReloadError("web: not ready")

    with pytest.raises(ReloadError, match="not ready"):
        call("reload", FakeArbiter(fail), name="web", waiting=True)
    assert call("reload", FakeArbiter(fail), name="web") == {}


def test_incr_and_decr() -> None:
    arbiter = FakeArbiter()

    assert call("incr", arbiter, name="web", nb=3, waiting=True) == {"numprocesses": 5}
    assert call("decr", arbiter, name="web", waiting=True) == {"numprocesses": 4}
    assert call("decr", arbiter, name="web", nb=9, waiting=True) == {"numprocesses": 0}
    assert call("incr", arbiter, name="web") == {}
    assert [each[2] for each in arbiter.calls] == [3, -1, -9, 1]


def test_incr_ends_where_a_typo_begins() -> None:
    arbiter = FakeArbiter()

    with pytest.raises(CommandError, match="web would have 10001 processes, at most 10000 are legal") as caught:
        call("incr", arbiter, name="web", nb=9_999)
    assert caught.value.errno is Errno.MESSAGE_ERROR
    assert arbiter.calls == []
    assert call("incr", arbiter, name="web", nb=9_998, waiting=True) == {"numprocesses": 10_000}


def test_a_singleton_stays_one() -> None:
    arbiter = FakeArbiter()

    assert call("incr", arbiter, name="big one") == {"numprocesses": 1, "singleton": True}
    assert call("decr", arbiter, name="big one", waiting=True) == {"numprocesses": 1, "singleton": True}
    assert arbiter.calls == []


def test_signal() -> None:
    arbiter = FakeArbiter()

    call("signal", arbiter, name="WEB", signum="hup")
    call("signal", arbiter, name="web", signum=10, pid=11, recursive=True)
    call("signal", arbiter, name="web", signum="SIGRTMIN+1", pid=11, childpid=99)

    assert arbiter.calls == [
        ("send_signal", "web", None, signal.SIGHUP, False, False, None),
        ("send_signal", "web", 11, 10, False, True, None),
        ("send_signal", "web", 11, signal.SIGRTMIN + 1, False, False, 99),
    ]


@pytest.mark.parametrize("signum", ["HUPX", 999, -1, "0", "SIGRTMIN+99", "TERM+x"])
@pytest.mark.parametrize("command", ["signal", "kill"])
def test_an_unknown_signal_is_told(command: str, signum: Any) -> None:
    with pytest.raises(CommandError, match=r"is no signal; legal: .*TERM"):
        call(command, name="web", signum=signum)


def test_a_child_needs_its_parent() -> None:
    with pytest.raises(CommandError, match="'childpid' needs the 'pid'"):
        call("signal", name="web", signum="HUP", childpid=5)


def test_kill() -> None:
    arbiter = FakeArbiter()

    assert call("kill", arbiter, name="web", waiting=True) == {}
    assert call("kill", arbiter, name="web", pid=11, signum="QUIT", graceful_timeout=0.5) == {}
    assert arbiter.calls == [("kill", "web", None, None, None), ("kill", "web", 11, signal.SIGQUIT, 0.5)]


def test_options_are_the_declared_ones_and_the_free_ones() -> None:
    options = call("options", name="web")["options"]

    assert options["cmd"] == "chaussette app"
    assert options["numprocesses"] == 2
    assert options["ready"] == "none"
    assert options["stop_signal"] == 15
    assert options["flapping.window"] == "3"
    # Circus's null for what a client added without it; a file's watcher has "" and {} there.
    assert (options["stdout_stream_conf"], options["args"]) == (None, None)
    assert {"close_child_stdin", "max_age", "shell", "warmup_delay", "on_demand", "executable"} <= options.keys()
    assert [type(options[key]) for key in ("max_age", "warmup_delay", "graceful_timeout")] == [int, int, float]
    assert (options["shell_args"], options["working_dir"]) == (None, str(Path.cwd()))


def test_get() -> None:
    assert call("get", name="big one", keys=["uid", "env"]) == {"options": {"uid": 33, "env": {"A": "b"}}}
    with pytest.raises(CommandError, match="'colour' option not found"):
        call("get", name="web", keys=["cmd", "colour"])


def test_globaloptions() -> None:
    assert call("globaloptions")["options"] == {"endpoint": "ipc://x", "check_delay": 5.0}
    assert call("globaloptions", option="endpoint") == {"options": {"endpoint": "ipc://x"}}
    with pytest.raises(CommandError, match="'x' not an existing option; there are endpoint, check_delay"):
        call("globaloptions", option="x")


def test_stats() -> None:
    infos = call("stats")["infos"]

    assert infos.keys() == {"web", "Big One"}
    assert infos["web"]["11"] == {
        "pid": 11,
        "extended": False,
        "started": 100.0,
        "wid": 1,
        "state": "ready",
        "ready_at": 100.5,
        "generation": 1,
        "memory": None,
        "memory_kind": None,
        "backend": "gevent",
    }
    assert "backend" not in infos["Big One"]["31"]


def test_stats_of_one_watcher_and_of_one_process() -> None:
    web = call("stats", name="WEB", extended=True)

    assert web["name"] == "WEB"
    assert web["info"].keys() == {"11", "12"}
    assert web["info"]["11"]["extended"] is True
    assert call("stats", name="web", process=12)["info"]["pid"] == 12
    with pytest.raises(CommandError, match="process 31 not found in 'web'"):
        call("stats", name="web", process=31)


def test_listsockets() -> None:
    assert call("listsockets") == {
        "sockets": [
            {"fd": 6, "name": "un", "backlog": 100, "path": "/run/un.sock", "watchers": []},
            {"fd": 7, "name": "web", "backlog": 2048, "host": "127.0.0.1", "port": 8080, "watchers": []},
        ]
    }


def test_listsockets_says_whose_they_are() -> None:
    arbiter = FakeArbiter()

    def users() -> list[list[str]]:
        return [each["watchers"] for each in call("listsockets", arbiter)["sockets"]]

    web = dataclasses.replace(arbiter.configs["web"], use_sockets=True, args="--fd $(circus.sockets.WEB)")
    arbiter.configs["web"] = web
    arbiter.configs["Big One"] = dataclasses.replace(arbiter.configs["Big One"], stdin_socket="un")
    assert users() == [["Big One"], ["web"]]
    arbiter.configs["web"] = dataclasses.replace(web, args="")
    assert users() == [["web", "Big One"], ["web"]]


def test_logs() -> None:
    lines = call("logs")["lines"]

    assert [line["data"] for line in lines] == ["one", "two", "caf\N{REPLACEMENT CHARACTER}"]
    assert lines[0] == {
        "seq": 0,
        "watcher": "web",
        "wid": 1,
        "pid": 11,
        "stream": "stdout",
        "time": 1.0,
        "data": "one",
    }
    assert [line["data"] for line in call("logs", name="WEB", limit=1)["lines"]] == ["two"]
    assert call("logs", name="web", pid=31)["lines"] == []


def test_reloadconfig() -> None:
    assert call("reloadconfig", waiting=True) == {"changes": ("roll=False dry_run=False",)}
    assert call("reloadconfig", dry_run=True, roll=True) == {"changes": ("roll=True dry_run=True",)}
    assert call("reloadconfig") == {}


def test_version_and_schema() -> None:
    schema = call("schema")

    assert call("version") == {"version": __version__}
    assert schema["options"]["watcher"]["numprocesses"]["default"] == 1
    assert schema["options"]["watcher"]["working_dir"]["aliases"] == ("working_directory",)
    assert schema["commands"]["incr"]["properties"]["name"]["required"] is True


def test_quit_is_answered_at_once() -> None:
    arbiter = FakeArbiter()

    assert call("quit", arbiter) == {}
    assert arbiter.calls == [("request_quit",)]


@pytest.mark.parametrize(
    "command", ["list", "status", "numprocesses", "start", "reload", "incr", "kill", "options", "stats", "logs"]
)
def test_an_unknown_watcher_is_told_in_the_words_of_circus(command: str) -> None:
    with pytest.raises(UnknownWatcherError, match="program nope not found") as caught:
        call(command, name="nope")

    assert caught.value.errno is Errno.MESSAGE_ERROR
