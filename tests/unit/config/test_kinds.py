from __future__ import annotations

import signal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circus_stack.config import kinds
from circus_stack.config.option import Kind
from circus_stack.config.values import Readiness, ReadinessForm
from tests.unit.config.stacks import APP, mistakes, paste

ALL = [each for each in vars(kinds).values() if isinstance(each, Kind)] + [kinds.choice("a", "B")]


@pytest.mark.parametrize(
    ("text", "number"), [("10", 10), ("KILL", 9), ("sigkill", 9), ("SIGRTMIN+1", signal.SIGRTMIN + 1)]
)
def test_signals_in_all_forms(text: str, number: int) -> None:
    assert kinds.SIGNAL.parse(text) == number


@pytest.mark.parametrize("text", ["", "SIGFOO", "0", "-9", "999", "SIGRTMIN+99", "_DFL", "²"])
def test_what_is_no_signal(text: str) -> None:
    with pytest.raises(ValueError):
        kinds.SIGNAL.parse(text)


@pytest.mark.parametrize(
    ("text", "form", "target"),
    [
        ("", ReadinessForm.NONE, ""),
        ("none", ReadinessForm.NONE, ""),
        ("notify", ReadinessForm.NOTIFY, ""),
        ("tcp:localhost:80", ReadinessForm.TCP, "localhost:80"),
        ("tcp:[::1]:80", ReadinessForm.TCP, "[::1]:80"),
        ("http:http://x/y", ReadinessForm.HTTP, "http://x/y"),
        ("https://x:8443/", ReadinessForm.HTTP, "https://x:8443/"),
        ("exec:redis-cli ping", ReadinessForm.EXEC, "redis-cli ping"),
        ("delay:0.5", ReadinessForm.DELAY, "0.5"),
    ],
)
def test_readiness_in_all_forms(text: str, form: ReadinessForm, target: str) -> None:
    assert kinds.READINESS.parse(text) == Readiness(form, target)


@pytest.mark.parametrize(
    "text",
    [
        "tcp:80",
        "tcp:x:99999",
        "http:8080",
        "http:ftp://x",
        "http://x:99999/",
        "delay:soon",
        "exec:'",
        "notify:x",
        "file:x",
        "exec:",
    ],
)
def test_what_is_no_readiness(text: str) -> None:
    with pytest.raises(ValueError):
        kinds.READINESS.parse(text)


def test_a_choice_ignores_the_case() -> None:
    assert kinds.choice("AF_INET", "AF_UNIX").parse("af_unix") == "AF_UNIX"


def test_auto_is_no_number_of_workers() -> None:
    assert kinds.WORKERS.parse(" AUTO ") == 0
    for text in ("0", "-1", "many"):
        with pytest.raises(ValueError):
            kinds.WORKERS.parse(text)


def test_a_typo_is_no_number_of_processes(tmp_path: Path) -> None:
    assert (kinds.PROCESSES.parse("10000"), kinds.WORKERS.parse("10000")) == (10_000, 10_000)
    assert paste(tmp_path, f"{APP}[watcher:a]\ncmd = x\nnumprocesses = 10000\n")
    text = (
        f"{APP}[server:main]\nuse = egg:circus-stack\nworkers = 20000000\n[watcher:a]\ncmd = x\nnumprocesses = 10001\n"
    )
    found = mistakes(paste, tmp_path, text)
    assert sorted((each.option, each.found, each.legal) for each in found) == [
        ("numprocesses", "10001", "a whole number, 0 to 10000, or a range as in 2..16"),
        ("workers", "20000000", "a whole number, 1 to 10000, auto, or a range as in 2..16"),
    ]


@pytest.mark.parametrize("kind", [kinds.USER, kinds.GROUP], ids=lambda kind: kind.name)
def test_an_account_is_a_name_or_a_number_that_the_kernel_takes(kind: Kind) -> None:
    assert [kind.parse(text) for text in ("www-data", " 33 ", "4294967294")] == ["www-data", "33", "4294967294"]
    for text in ("4294967295", "99999999999", "²"):
        with pytest.raises(ValueError):
            kind.parse(text)


@pytest.mark.parametrize("section", ["watcher:a", "server:main", "service:redis"])
def test_an_account_out_of_range_is_a_mistake_of_its_line(tmp_path: Path, section: str) -> None:
    use = "cmd = x" if section.startswith("watcher") else "use = egg:circus-stack" if "server" in section else ""
    found = mistakes(paste, tmp_path, f"{APP}[{section}]\n{use}\nuid = 99999999999\ngid = 4294967295\n")
    assert [(each.section, each.option, each.line) for each in found] == [(section, "uid", 5), (section, "gid", 6)]


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.name)
@given(
    text=st.text(max_size=30) | st.sampled_from(["1e999", "nan", "9" * 5000, "-1", "+ 1", "http://[", "tcp:::", "0o9"])
)
def test_a_parser_raises_nothing_but_valueerror(kind: Kind, text: str) -> None:
    try:
        kind.parse(text)
    except ValueError:
        pass
