"""What may come next on a command line of one of our programs, as click knows it. Silent whatever goes wrong."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import click
from click.shell_completion import CompletionItem, ShellComplete


def suggest(command: click.Command, words: Sequence[str], beginning: str, obj: object = None) -> list[CompletionItem]:
    """Suggestions for the word that begins like this, behind `words`; `obj` as the program's own context has it.

    A press of a key must not end in a traceback in the middle of somebody's line: a mistake suggests nothing.
    """
    complete = ShellComplete(command, {"obj": obj} if obj is not None else {}, command.name or "", "")
    with contextlib.suppress(Exception, SystemExit):
        return complete.get_completions(list(words), beginning)
    return []
