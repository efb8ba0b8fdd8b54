"""Whatever frames and properties a client sends to a real circusd, it is answered, and nothing is lost by it: no
traceback in the log, no hang, no descriptor and no memory that would not come back.

The examples are always the same, so that a run of the tests needs no luck; CIRCUS_STACK_FUZZ=N asks for N others.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
import zmq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from circus_stack.client.sync import Client
from circus_stack.config.option import spellings
from circus_stack.config.schema import WatcherConfig
from circus_stack.errors import CommandError
from circus_stack.protocol.commands import COMMANDS
from tests.support.stack import RunningStack, room
from tests.support.waiting import PATIENCE_S, wait_until

_MORE = int(os.environ.get("CIRCUS_STACK_FUZZ", "0"))
_SETTINGS = settings(
    max_examples=_MORE or 100,
    derandomize=not _MORE,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
# What may come and go without being a leak: libzmq's buffers, psutil's caches, Python's own arenas.
_SPARE_MEMORY = 48 * 1024 * 1024
_SPARE_FDS = 8

# Nothing that is the name of a program, a path, or a number of processes: what is started here is started for real.
_TEXTS = st.text(alphabet="aé \n\0%$({*[\udc80", max_size=12)
_NUMBERS = st.sampled_from([0, 1, 2, -1, 0.5, -2.5, 2**31, 2**63, 10**30, -(10**30), 1e308])
_WORDS = st.sampled_from(
    ["web", "WEB", "other", "new", "sleep 1000", "KILL", "simple", "glob", "regex", "true", "", "-"]
)
_SCALARS = st.one_of(st.none(), st.booleans(), _NUMBERS, _TEXTS, _WORDS)
_MORE_NAMES = """
env hooks hooks.before_start rlimit_nofile rlimits stdout_stream stdout_stream.class stderr_stream.max_bytes a .
"""
_OPTION_NAMES = st.sampled_from([*spellings(WatcherConfig), *_MORE_NAMES.split(), ""])


def _nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.one_of(_TEXTS, _OPTION_NAMES), inner, max_size=3))


_JSON = st.recursive(_SCALARS, _nested, max_leaves=6)
_OPTIONS = st.dictionaries(_OPTION_NAMES, _JSON, max_size=3)
# It would end what the other examples are for; each has its own tests.
_COMMANDS = sorted(COMMANDS.keys() - {"quit"})


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    """A command, with properties of which some are right."""
    command = COMMANDS[draw(st.sampled_from(_COMMANDS))]
    properties = {}
    for each in command.properties:
        right = _OPTIONS if each.name == "options" else st.sampled_from(["web", "other", "new", "sleep 1000", 1, True])
        properties[each.name] = draw(st.one_of(right, _JSON))
    return {"id": draw(_JSON), "command": command.name, "properties": properties}


class Rig:
    """A running circusd, and a socket that sends it anything."""

    def __init__(self, stack: RunningStack, context: zmq.Context[Any]) -> None:
        self.stack = stack
        self._count = 0
        self._socket = context.socket(zmq.DEALER)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.connect(stack.found().record.endpoint)

    def exchange(self, *frames: bytes) -> list[dict[str, Any]]:
        """Send frames; all replies that came until a question behind them was answered."""
        self._count += 1
        asked = f"sentinel {self._count}"
        self._socket.send_multipart(frames)
        self._socket.send(json.dumps({"id": asked, "command": "numwatchers"}).encode())
        replies: list[dict[str, Any]] = []
        while not replies or replies[-1].get("id") != asked:
            assert self._socket.poll(PATIENCE_S * 1000), f"no answer behind {frames!r}: {self.stack.output()}"
            replies.append(json.loads(self._socket.recv_multipart()[-1]))
        assert all("status" in each for each in replies)
        assert "Traceback" not in self.stack.output(), frames
        return replies[:-1]

    def settle(self) -> None:
        """One fresh watcher, and nothing else."""
        with Client(self.stack.found().record.endpoint, timeout_s=3 * PATIENCE_S) as client:
            for name in client.call("list")["watchers"]:
                # Its options may be anything by now: no signal of its own, no time to spare.
                try:
                    client.call("kill", name=name, signum="KILL", graceful_timeout=0)
                    client.call("set", name=name, options={"stop_signal": "KILL", "graceful_timeout": 0})
                except CommandError:
                    pass
                client.call("rm", name=name, waiting=True)
            client.call("add", name="web", cmd="sleep 1000", start=True, waiting=True)
        wait_until(self._is_idle, "the end of all jobs", detail=self.stack.output)

    def _is_idle(self) -> bool:
        return all(job["ended"] for job in self.stack.call("jobs")["jobs"])

    def close(self) -> None:
        self._socket.close()


INI = """\
[circus]
check_delay = 1
endpoint = ipc://{base}/c
pubsub_endpoint = ipc://{base}/e
stats_endpoint = ipc://{base}/s
[watcher:web]
cmd = sleep 1000
[watcher:other]
cmd = sleep 1000
"""


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    context: zmq.Context[Any] = zmq.Context()
    with room(tmp_path_factory.mktemp("fuzz")) as place:
        ini = place.directory / "stack.ini"
        ini.write_text(INI.format(base=place.base))
        made = Rig(place.circusd(str(ini)), context)
        process = psutil.Process(made.stack.pid)
        try:
            made.exchange(b"warm up")
            made.settle()
            fds, memory = process.num_fds(), process.memory_info().rss
            yield made
            made.settle()
            wait_until(lambda: process.num_fds() <= fds + _SPARE_FDS, "as many descriptors as before")
            assert process.memory_info().rss < memory + _SPARE_MEMORY
            assert made.stack.stop() == 0
        finally:
            made.close()
            context.term()


@_SETTINGS
@given(st.lists(st.binary(max_size=200), min_size=1, max_size=5))
def test_any_frames_are_answered(rig: Rig, frames: list[bytes]) -> None:
    for reply in rig.exchange(*frames):
        assert reply["status"] == "error"
        assert isinstance(reply["errno"], int)


@_SETTINGS
@given(st.one_of(_JSON, st.fixed_dictionaries({}, optional=dict.fromkeys(("id", "command", "properties"), _JSON))))
def test_any_json_is_answered(rig: Rig, message: Any) -> None:
    [reply] = rig.exchange(json.dumps(message).encode())

    assert reply["status"] == "error"
    assert reply["tb"] is None


@_SETTINGS
@given(requests())
def test_any_properties_are_answered(rig: Rig, request: dict[str, Any]) -> None:
    for reply in rig.exchange(json.dumps(request).encode()):
        if reply["status"] == "error":
            assert reply["reason"]
            assert reply["tb"] is None


def test_what_is_too_long_is_told_in_the_log(rig: Rig) -> None:
    with zmq.Context() as context, context.socket(zmq.DEALER) as greedy:
        greedy.setsockopt(zmq.LINGER, 0)
        greedy.connect(rig.stack.found().record.endpoint)
        greedy.send(b"x" * 3_000_000)
        rig.stack.wait_line("lost its connection")
        assert rig.exchange(b"{}")[0]["errno"] == 3
