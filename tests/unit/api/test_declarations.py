"""What an embedding program says of watchers, sockets and the arbiter, and what is said about mistakes."""

from __future__ import annotations

import logging
import signal
import socket

import pytest

from circus_stack.api import get_arbiter
from circus_stack.api.arbiter import Arbiter, ThreadedArbiter
from circus_stack.api.conversions import bytes2human, human2bytes, parse_env_str, resolve_name, to_bool, to_signum
from circus_stack.api.declaration import declared
from circus_stack.api.sockets import CircusSocket, CircusSockets
from circus_stack.api.watcher import Watcher
from circus_stack.errors import ConfigError


def hook(watcher, arbiter, hook_name, **kwargs):
    return True


def test_a_watcher_takes_plain_values():
    watcher = Watcher(
        "web",
        "run",
        args=["a", "b c"],
        numprocesses=3,
        env={"A": "1"},
        copy_env=True,
        stop_signal=signal.SIGINT,
        rlimits={"nofile": 100},
        stdout_stream={"class": "FileStream", "filename": "/tmp/x"},
        hooks={"before_start": [hook, True]},
        stream_backend="thread",
    )

    config = watcher.config
    assert (config.numprocesses, config.env, config.copy_env, config.stop_signal) == (3, {"A": "1"}, True, 2)
    assert config.stdout_stream.options["filename"] == "/tmp/x"
    assert config.hooks["before_start"].callable == f"{__name__}.hook"
    assert config.hooks["before_start"].ignore_failure is True
    assert watcher.numprocesses == 3
    assert watcher.status() == "stopped"
    assert watcher.pids == []


def test_a_range_has_an_autoscaler_and_figures():
    config = Watcher("web", "run", numprocesses="2..4").config
    stack = declared({}, [config], [], [], {})
    assert [each.name for each in stack.plugins] == ["autoscaler"]
    assert stack.circus.statsd


def test_a_watcher_is_called_as_its_program():
    assert [each.name for each in get_arbiter([{"cmd": "/usr/bin/myprogram -x"}]).watchers] == ["myprogram"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"cmd": ""}, "needs a command"),
        ({"cmd": "x", "numprocesses": "many"}, "many"),
        ({"cmd": "x", "hooks": {"before_start": lambda **_: True}}, "cannot be found by its name"),
    ],
)
def test_a_wrong_watcher_is_told(options, told):
    with pytest.raises(ValueError, match=told):
        get_arbiter([options])


def test_a_socket_takes_names_and_numbers():
    by_number = CircusSocket("Web", "127.0.0.1", 0, family=socket.AF_INET6, type=int(socket.SOCK_STREAM), backlog=7)

    assert (by_number.name, by_number.family, by_number.type, by_number.backlog) == (
        "web",
        "AF_INET6",
        "SOCK_STREAM",
        7,
    )
    assert CircusSocket("u", path="/tmp/s", umask=0o22, use_papa=False).config.umask == 0o22
    assert CircusSockets([by_number])["web"].location == "127.0.0.1:0"
    with pytest.raises(ValueError, match="'bakclog' is no option of a socket"):
        CircusSocket("a", bakclog=1)
    with pytest.raises(ValueError, match="port: found 'x'"):
        CircusSocket("a", port="x")


def test_an_arbiter_has_circus_endpoints_unless_told():
    arbiter = get_arbiter([{"cmd": "x"}])

    assert (arbiter.endpoint, arbiter.pubsub_endpoint) == ("tcp://127.0.0.1:5555", "tcp://127.0.0.1:5556")
    assert type(arbiter) is Arbiter
    assert type(get_arbiter([], background=True)) is ThreadedArbiter
    assert arbiter.statuses() == {"x": "stopped"}
    assert (arbiter.numwatchers(), arbiter.numprocesses(), arbiter.running) == (1, 0, False)


def test_what_cannot_be_is_told():
    with pytest.raises(TypeError, match="'enpdoint' is no argument of an arbiter"):
        get_arbiter([], enpdoint="tcp://127.0.0.1:1")
    with pytest.raises(ValueError, match="check_delay: found 'soon'"):
        get_arbiter([], check_delay="soon")
    with pytest.raises(ConfigError, match="no such plugin"):
        get_arbiter([], plugins=[{"use": "circus.plugins.flapping.Nothing"}])
    with pytest.raises(ConfigError):
        get_arbiter([{"cmd": "x"}, {"cmd": "x"}])


def test_what_has_no_effect_is_warned_of(caplog):
    with caplog.at_level(logging.WARNING):
        get_arbiter([], loop=object(), httpd=True, statsd=True, stream_backend="thread", debug=True)

    told = [record.getMessage() for record in caplog.records]
    assert any(text.startswith("loop has no effect") for text in told)
    assert not any(word in text for text in told for word in ("stream_backend", "debug", "statsd", "httpd"))


def test_env_is_laid_under_each_watchers_own():
    watcher = get_arbiter([{"cmd": "x", "env": {"A": "own"}}], env={"A": "all", "B": "all"}).watchers[0]

    assert watcher.env == {"A": "own", "B": "all"}


def test_watchers_come_and_go_before_the_start():
    arbiter = get_arbiter([{"cmd": "one"}])
    arbiter.add_watcher("Two", "two", priority=5)

    assert arbiter.get_watcher("TWO").cmd == "two"
    assert [each.name for each in arbiter.iter_watchers()] == ["Two", "one"]
    with pytest.raises(Exception, match="'two' exists already"):
        arbiter.add_watcher("two", "x")
    arbiter.rm_watcher("one")
    assert arbiter.statuses() == {"Two": "stopped"}
    with pytest.raises(KeyError):
        arbiter.get_watcher("one")


def test_conversions():
    assert [to_bool(value) for value in (True, "yes", "0")] == [True, True, False]
    assert (to_signum("SIGTERM"), to_signum(9)) == (15, 9)
    assert human2bytes(bytes2human(3 << 20)) == 3 << 20
    assert parse_env_str("A=1, B=x=y") == {"A": "1", "B": "x=y"}
    assert resolve_name("os.path.join")("a", "b") == "a/b"
    with pytest.raises(ValueError, match="legal: NAME=VALUE"):
        parse_env_str("A")
