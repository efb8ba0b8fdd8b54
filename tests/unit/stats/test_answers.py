"""What circusd-stats answers, whatever is asked."""

import json
from typing import Any

import pytest

from circus_stack.errors import CommandError
from circus_stack.stats.answers import Answers
from circus_stack.stats.metrics.asked import Tell


def read(name: str, since: float, until: float) -> dict[str, Any]:
    return {"step": 1, "asked": [name, since, until]}


def ask(command: str, answers: Answers | None = None, **properties: object) -> dict[str, Any]:
    answers = answers or Answers(snapshot=lambda: {"total": 1}, read=read, names=lambda: ["", "web"], epoch=lambda: 1e9)
    sent: list[bytes] = []
    answers.answer([json.dumps({"id": "x", "command": command, "properties": properties}).encode()], sent.append)
    [reply] = sent
    found: dict[str, Any] = json.loads(reply)
    return found


def test_questions_are_answered() -> None:
    assert ask("snapshot")["total"] == 1
    assert ask("series")["series"] == ["", "web"]
    assert ask("history", name="web", since=600)["asked"] == ["web", 1e9 - 600, 1e9]
    assert ask("history")["asked"] == ["", 1e9 - 900, 1e9]


def test_a_single_process_has_a_history_of_its_own() -> None:
    answers = Answers(
        snapshot=dict,
        read=read,
        read_process=lambda name, pid, since, until: {"asked": [name, pid, since, until]},
        names=list,
        epoch=lambda: 1e9,
    )
    reply = ask("history", answers, name="web", pid=7, since=60)
    assert (reply["name"], reply["pid"], reply["asked"]) == ("web", 7, ["web", 7, 1e9 - 60, 1e9])
    assert ask("history", answers, name="web")["pid"] is None
    assert "no history" in ask("history", name="web", pid=7)["reason"]


@pytest.mark.parametrize(("name", "pid"), [("web", "7"), ("web", True), ("web", 0), ("web", 7.0), ("", 7)])
def test_a_pid_that_is_none_is_an_error(name: str, pid: object) -> None:
    reply = ask("history", name=name, pid=pid)
    assert (reply["status"], "pid" in reply["reason"]) == ("error", True)


@pytest.mark.parametrize("since", ["10m", -1, 0, None, True, 1e300])
def test_a_span_that_is_none_is_an_error(since: object) -> None:
    reply = ask("history", since=since)
    assert (reply["status"], reply["id"]) == ("error", "x")
    assert "since" in reply["reason"]


def test_a_name_that_is_none_is_an_error() -> None:
    assert ask("history", name=["web"])["status"] == "error"


def test_an_unknown_command_names_the_legal_ones() -> None:
    assert "history, metrics, series, snapshot" in ask("quit")["reason"]


def test_without_a_file_there_is_no_history() -> None:
    answers = Answers(snapshot=dict, read=None, names=list)
    assert "no history" in ask("history", answers)["reason"]


@pytest.mark.parametrize("frames", [[], [b"{}", b"{}"], [b"\xff"], [b"[]"], [b'{"command": 1}']])
def test_garbage_is_answered_with_an_error(frames: list[bytes]) -> None:
    sent: list[bytes] = []
    Answers(snapshot=dict, read=read, names=list).answer(frames, sent.append)
    assert [json.loads(each)["status"] for each in sent] == ["error"]


def test_a_cast_is_not_answered() -> None:
    sent: list[bytes] = []
    frame = json.dumps({"id": "x", "command": "snapshot", "msg_type": "cast"}).encode()
    Answers(snapshot=dict, read=read, names=list).answer([frame], sent.append)
    assert sent == []


def answers_with(told: dict[str, Any] | CommandError) -> Answers:
    """Of whom the page is made at once: `told`, with what was accepted."""

    def page(accept: str, tell: Tell) -> None:
        tell({**told, "accept": accept} if isinstance(told, dict) else told)

    return Answers(snapshot=dict, read=read, names=list, page=page)


def test_the_page_of_metrics_is_told_or_why_there_is_none() -> None:
    reply = ask("metrics", answers_with({"page": "circus_up 1"}), accept="text/plain")
    assert (reply["page"], reply["accept"], reply["id"]) == ("circus_up 1", "text/plain", "x")
    assert ask("metrics", answers_with(CommandError("no library")))["reason"] == "no library"
    assert "accept" in ask("metrics", answers_with({}), accept=5)["reason"]
    assert ask("metrics")["status"] == "error"
