"""What control decides without a socket: names, endpoints, figures."""

from __future__ import annotations

import os

import pytest

from circus_stack.control.endpoint import check_endpoint
from circus_stack.control.matching import match_names
from circus_stack.control.procinfo import GONE, ProcessTable
from circus_stack.errors import CommandError, SocketError, UnknownWatcherError
from circus_stack.protocol.figures import format_bytes, format_cpu_time

NAMES = ("web", "Web Two", "redis", "a[b")


@pytest.mark.parametrize(
    ("pattern", "method", "found"),
    [
        ("WEB", "glob", ("web",)),
        ("web*", "glob", ("web", "Web Two")),
        ("?e*", "glob", ("web", "Web Two", "redis")),
        ("a[b", "glob", ("a[b",)),
        ("web", "simple", ("web",)),
        ("web.*", "regex", ("web", "Web Two")),
        ("re.is", "regex", ("redis",)),
    ],
)
def test_names_are_matched_in_any_case(pattern: str, method: str, found: tuple[str, ...]) -> None:
    assert match_names(NAMES, pattern, method) == found


@pytest.mark.parametrize(("pattern", "method"), [("x*", "glob"), ("web*", "simple"), ("x", "regex")])
def test_a_pattern_without_a_match_is_told(pattern: str, method: str) -> None:
    with pytest.raises(UnknownWatcherError, match="not found"):
        match_names(NAMES, pattern, method)


@pytest.mark.parametrize("pattern", ["[", "x" * 300])
def test_what_is_no_regular_expression_is_told(pattern: str) -> None:
    with pytest.raises(CommandError, match="regular expression"):
        match_names(NAMES, pattern, "regex")


@pytest.mark.parametrize(
    ("endpoint", "bound"),
    [
        ("ipc:///run/x", "ipc:///run/x"),
        ("tcp://127.0.0.1:5555", "tcp://127.0.0.1:5555"),
        ("tcp://127.1.2.3:0", "tcp://127.1.2.3:0"),
        ("tcp://localhost:*", "tcp://127.0.0.1:*"),
        ("tcp://[::1]:5555", "tcp://[::1]:5555"),
    ],
)
def test_endpoints_that_only_this_machine_reaches(endpoint: str, bound: str) -> None:
    assert check_endpoint(endpoint) == bound


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        ("tcp://0.0.0.0:5555", "open to the network"),
        ("tcp://*:5555", "open to the network"),
        ("tcp://10.0.0.1:5555", "open to the network"),
        ("tcp://[::]:5555", "open to the network"),
        ("tcp://example.com:5555", "open to the network"),
        ("tcp://127.0.0.1", "has no port"),
        ("tcp://127.0.0.1:http", "has no port"),
        ("127.0.0.1:5555", "neither ipc://PATH nor tcp://HOST:PORT"),
        ("pgm://x", "neither ipc://PATH nor tcp://HOST:PORT"),
        ("ipc://", "neither ipc://PATH nor tcp://HOST:PORT"),
        ("ipc://@name", "open to every user of this machine"),
    ],
)
def test_other_endpoints_are_refused_with_what_would_be_right(endpoint: str, words: str) -> None:
    with pytest.raises(SocketError, match=words):
        check_endpoint(endpoint)


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0B"), (512, "512B"), (1024, "1.00K"), (1426063, "1.36M"), (5 * 2**30, "5.00G"), (2**71, "2048.00E")],
)
def test_bytes_are_written_as_circus_does(count: int, text: str) -> None:
    assert format_bytes(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00.00"), (0.31, "0:00.31"), (59.999, "0:59.99"), (61.5, "1:01.50"), (6000.25, "100:00.25")],
)
def test_cpu_time_is_written_as_circus_does(seconds: float, text: str) -> None:
    assert format_cpu_time(seconds) == text


def test_the_figures_of_a_process_have_the_keys_of_circus() -> None:
    info = ProcessTable().sample([os.getpid()], extended=True)[os.getpid()]

    assert isinstance(info, dict)
    assert {"mem_info1", "mem_info2", "cpu", "mem", "ctime", "pid", "username", "nice", "create_time"} < info.keys()
    assert {"age", "cmdline", "children"} < info.keys()
    assert "/" not in info["cmdline"]
    assert info["rss"] > 1_000_000
    assert info["uss"] <= info["rss"]
    assert info["age"] > 0


def test_a_process_that_is_gone_has_a_text() -> None:
    # Above the largest pid that a kernel gives.
    assert ProcessTable().sample([2**22 + 1]) == {2**22 + 1: GONE}
