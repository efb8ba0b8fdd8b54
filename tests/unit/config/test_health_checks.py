"""What a health probe can tell of whom: refused with its line where it can't."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from circus_stack.config import kinds
from circus_stack.config.runtime import check_change
from circus_stack.config.values import HealthScope, Readiness, ReadinessForm
from tests.unit.config.stacks import circus, mistakes

SOCKET = "[socket:s]\nhost = 127.0.0.1\nport = 4711\n"


@pytest.mark.parametrize(
    ("options", "line", "message"),
    [
        ("health = http://127.0.0.1:1/\nhealth_scope = process", 3, "does not tell which of the processes it asks"),
        ("health = tcp:127.0.0.1:1$(circus.wid)", 3, "asks one process, and the scope is the whole watcher"),
        ("health = exec:look $(circus.env.A)\nenv = A=$(circus.pid)", 3, "asks one process"),
        ("health = exec:true\nhealth_interval = 0", 4, "is too small for a probe"),
        ("health = exec:true\nhealth_timeout = 0", 4, "is too small for a probe"),
        ("health = exec:true\nhealth_threshold = 0", 4, "is too small for a probe"),
        ("health = notify", 3, "is not a valid health probe"),
        ("health = delay:3", 3, "is not a valid health probe"),
        ("health = tcp:127.0.0.1:$(circus.wid)x", 3, "is not a valid health probe"),
        ("use_sockets = true\nhealth = tcp:127.0.0.1:4711", 4, "the kernel connects though nobody serves"),
        (
            "use_sockets = true\nhealth_scope = process\nhealth = http://127.0.0.1:4711/$(circus.wid)",
            5,
            "any of its processes may answer",
        ),
    ],
)
def test_what_no_probe_can_tell_is_refused_with_its_line(tmp_path: Path, options: str, line: int, message: str) -> None:
    found = mistakes(circus, tmp_path, f"[watcher:w]\ncmd = x\n{options}\n{SOCKET}")
    assert [(each.line, message in each.message) for each in found] == [(line, True)], found
    assert found[0].legal


@pytest.mark.parametrize(
    "options",
    [
        "health = http://127.0.0.1:80$(circus.wid)/\nhealth_scope = process",
        "health = exec:look ((circus.pid))\nhealth_scope = process",
        "health = tcp:127.0.0.1:$(circus.env.PORT)\nhealth_scope = process\nenv = PORT=80$(circus.wid)",
        "use_sockets = true\nhealth = http://localhost:4711/",
        "use_sockets = true\nhealth = tcp:127.0.0.1:4712",
        "health = none\nhealth_interval = 0",
    ],
)
def test_what_a_probe_can_tell_is_taken(tmp_path: Path, options: str) -> None:
    [watcher] = circus(tmp_path, f"[watcher:w]\ncmd = x\n{options}\n{SOCKET}").watchers
    assert watcher.name == "w"


def test_a_port_of_the_watchers_own_socket_is_refused_also_where_it_is_set(tmp_path: Path) -> None:
    stack = circus(tmp_path, f"[watcher:w]\ncmd = x\nuse_sockets = true\n{SOCKET}")
    [watcher] = stack.watchers
    with pytest.raises(ValueError, match=r"health: asks the watcher's own socket 's'.*legal: http:URL or exec:CMD"):
        check_change(stack, replace(watcher, health=kinds.parse_health("tcp:127.0.0.1:4711")))
    scoped = replace(watcher, health=kinds.parse_health("http://127.0.0.1:4711/"), health_scope=HealthScope.PROCESS)
    with pytest.raises(ValueError, match="does not tell which of the processes it asks"):
        check_change(stack, scoped)


def test_a_text_keeps_its_variables() -> None:
    assert kinds.parse_health("http://h:80$(circus.wid)/") == Readiness(ReadinessForm.HTTP, "http://h:80$(circus.wid)/")
    assert kinds.parse_health("tcp:h:((circus.wid))") == Readiness(ReadinessForm.TCP, "h:((circus.wid))")
    assert kinds.parse_health("none") == kinds.parse_health("") == Readiness()
