"""Completion of what stands behind a command of circusctl: watchers, pids, options, signals, as its declaration says.

The arbiter is asked, and has two seconds to answer; where none does, nothing is suggested and nothing is said.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import click
from click.shell_completion import CompletionItem
from msgspec import structs

from circus_stack.cli.completion.found import ANSWER_S, items
from circus_stack.cli.ctl_flags import apply_flags
from circus_stack.cli.ctl_reach import Reach
from circus_stack.cli.ctl_session import Session
from circus_stack.errors import CircusStackError
from circus_stack.protocol.command import Command
from circus_stack.protocol.property import LINE, PAIRS, PID, SIGNAL, WORDS, Property
from circus_stack.protocol.reply import is_error

_CHOICE = re.compile(r"\w+(\|\w+)+")

Suggest = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def complete_words(command: Command) -> Suggest:
    """Completes the words of a command that stand without a flag."""

    def suggest(context: click.Context, _parameter: click.Parameter, beginning: str) -> list[CompletionItem]:
        words = list(context.params.get("words") or ())
        return [
            item
            for declared in _next_words(command, words)
            for item in _suggestions(context, command, declared, words, beginning)
        ]

    return suggest


def complete_value(command: Command, declared: Property) -> Suggest:
    """Completes the value of a flag."""

    def suggest(context: click.Context, _parameter: click.Parameter, beginning: str) -> list[CompletionItem]:
        return _suggestions(context, command, declared, list(context.params.get("words") or ()), beginning)

    return suggest


def complete_topics(context: click.Context, _parameter: click.Parameter, beginning: str) -> list[CompletionItem]:
    """Topics of events, one for each watcher."""
    names = (name.lower().replace(" ", "_") for name in _names(_session(context)))
    return items((f"watcher.{name}." for name in names), beginning)


def _next_words(command: Command, words: list[str]) -> Iterable[Property]:
    """What the next word may be: the declared one at this place, and those that may stand in its place."""
    declared = [command.property(name) for name in command.words]
    if not declared:
        return []
    if len(words) >= len(declared):
        return [declared[-1]] if declared[-1].type.takes_rest else []
    here = declared[len(words)]
    # `signal web TERM` as well as `signal web 4711 TERM`.
    others = declared[len(words) + 1 :] if not here.is_required else []
    return [here, *others]


def _suggestions(
    context: click.Context, command: Command, declared: Property, words: list[str], beginning: str
) -> list[CompletionItem]:
    if declared.type is SIGNAL:
        return items(_signals(beginning), beginning)
    if _CHOICE.fullmatch(declared.type.name):
        return items(declared.type.name.split("|"), beginning)
    session = _session(context)
    if declared.name == "name" and command.name != "add":
        return items(_names(session), beginning)
    if declared.type is PID and words:
        return items(_pids(session, words[0]), beginning)
    if declared.type in (WORDS, PAIRS) and words:
        return _option_items(session, declared, words, beginning)
    if declared.name == "option":
        return items(_asked(session, "globaloptions", {}, "options"), beginning)
    return [CompletionItem(beginning, type="file")] if declared.type is LINE else []


def _option_items(session: Session, declared: Property, words: list[str], beginning: str) -> list[CompletionItem]:
    """Keys of options; behind one of them in `set`, the value that it has."""
    options = _asked(session, "options", {"name": words[0]}, "options")
    if declared.type is PAIRS and len(words) % 2 == 0:
        value = options.get(words[-1]) if isinstance(options, Mapping) else None
        return [] if value is None or isinstance(value, dict | list) else items([str(value)], beginning)
    return items(sorted(each for each in options if each not in words), beginning)


def _names(session: Session) -> list[str]:
    return list(map(str, _asked(session, "list", {}, "watchers")))


def _pids(session: Session, name: str) -> Iterable[str]:
    return map(str, _asked(session, "list", {"name": name}, "pids"))


def _asked(session: Session, command: str, properties: Mapping[str, Any], field: str) -> Any:
    """A field of the arbiter's answer; empty where there is none."""
    try:
        reply = session.ask(command, properties)
    except (CircusStackError, OSError):
        return []
    return [] if is_error(reply) else reply.get(field) or []


def _signals(beginning: str) -> list[str]:
    names = sorted(each.name for each in signal.Signals)
    return names if beginning.upper().startswith("SIG") else [name.removeprefix("SIG") for name in names]


def _session(context: click.Context) -> Session:
    """The shell's own session; for a program's completion one that finds the arbiter and is silent.

    Without a tunnel: to open one for a press of a key takes too long, and would ask for a passphrase.
    """
    session = context.find_root().obj
    if not isinstance(session, Session):
        session = _silent(Reach(environ=os.environ))
        for each in filter(None, (context.parent, context)):
            session = apply_flags(session, {**each.params, "ssh": None})
    return structs.replace(session, reach=structs.replace(session.reach, timeout_s=ANSWER_S))


def _silent(reach: Reach) -> Session:
    return Session(reach=reach, say=_nothing, complain=_nothing)


def _nothing(_text: str) -> None:
    """Nobody listens."""
