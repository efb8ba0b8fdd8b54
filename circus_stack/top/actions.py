"""What `--control` lets somebody do: a key, a question, a command. Pure; nothing here sends anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from circus_stack.top.lines import Line


@dataclass(frozen=True, slots=True)
class Action:
    """A command on the selected watcher, or on one of its processes where `is_of_process`."""

    key: str
    command: str
    question: str
    help: str
    is_of_process: bool = False


ACTIONS = (
    Action("S", "stop", "Stop {watcher}", "stop the watcher"),
    Action("T", "start", "Start {watcher}", "start the watcher"),
    Action("R", "reload", "Reload {watcher}: new processes take over from the old", "reload the watcher"),
    Action("+", "incr", "Add one process to {watcher}", "one process more"),
    Action("-", "decr", "Take one process from {watcher}", "one process less"),
    Action("K", "kill", "Kill process {pid} of {watcher}", "kill the process; the watcher replaces it", True),
)
BY_KEY = {each.key: each for each in ACTIONS}


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be confirmed, and what is sent then: to the stack of that name."""

    text: str
    stack: str
    command: str
    properties: Mapping[str, Any]


def ask(action: Action, line: Line | None) -> Question | str:
    """The question about a line; or why there is none, as a text for people."""
    if line is None or line.watcher is None:
        return "choose a watcher first"
    if action.is_of_process and line.process is None:
        return "choose a process first: its watcher's line opens with the right arrow"
    name, pid = line.watcher.name, line.process.pid if line.process else None
    # A name, never a pattern: a watcher may be called web*.
    properties: dict[str, Any] = {"name": name}
    if action.command in ("start", "stop"):
        properties["match"] = "simple"
    if action.is_of_process:
        properties["pid"] = pid
    text = action.question.format(watcher=name, pid=pid)
    return Question(f"{text} ({line.stack.name})?", line.stack.name, action.command, properties)
