"""How doctor's findings read: in a terminal, in a pipe, and as JSON."""

from __future__ import annotations

import json
import re

from circus_stack.cli.checkup.finding import Finding, Status
from circus_stack.cli.checkup.report import as_json, as_text, summary
from circus_stack.cli.style import Style

GEVENT = Finding("backend", "gevent", Status.OK, "26.9.0")
BJOERN = Finding("backend", "bjoern", Status.MISSING, "", "bjoern is not installed", "pip install bjoern")
FILES = Finding(
    "machine", "open files", Status.HINT, "1024", "each connection takes one " * 5, "ulimit -n 65536" + " 1" * 60
)
PIDFD = Finding("machine", "pidfd", Status.BROKEN, "", "not allowed", "Linux 5.3", is_required=True)
ALL = [GEVENT, BJOERN, FILES, PIDFD]


def test_in_a_pipe_a_finding_is_one_plain_line() -> None:
    lines = as_text(ALL).splitlines()
    assert "\x1b" not in "".join(lines)
    (line,) = [line for line in lines if "bjoern" in line]
    assert line.split("  ")[1] == "missing"
    assert line.endswith("bjoern is not installed; mend: pip install bjoern")
    assert [line for line in lines if not line.startswith(" ") and line] == [
        "Backends",
        "Machine",
        "Must be mended: pidfd.",
    ]


def test_a_terminal_gets_colours_and_wrapped_words() -> None:
    text = as_text(ALL, width=80, style=Style(is_terminal=True, has_colour=True))
    assert "\x1b[" in text
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()
    assert all(len(line) <= 80 for line in plain if "mend:" not in line)


def test_what_is_to_be_run_is_never_broken_into_lines() -> None:
    (line,) = [line for line in as_text(ALL, width=80).splitlines() if "ulimit" in line]
    assert line.strip() == f"mend: {FILES.mend}".strip()


def test_no_line_ends_in_blanks() -> None:
    assert [line for line in as_text(ALL, width=80).splitlines() if line != line.rstrip()] == []


def test_the_last_line_sums_up() -> None:
    assert summary([GEVENT, BJOERN]) == "All that is required works."
    assert summary([GEVENT, FILES]) == "All that is required works. 1 hint."
    assert summary(ALL) == "Must be mended: pidfd."


def test_only_what_is_required_is_fatal() -> None:
    assert [finding.name for finding in ALL if finding.is_fatal] == ["pidfd"]


def test_json_says_the_same() -> None:
    found = json.loads(as_json(ALL))
    assert found["ok"] is False
    assert found["findings"][1] == {
        "area": "backend",
        "name": "bjoern",
        "status": "missing",
        "version": "",
        "detail": "bjoern is not installed",
        "mend": "pip install bjoern",
        "is_required": False,
    }
    assert json.loads(as_json([GEVENT]))["ok"] is True
