"""Completions that are found on this machine: files, backends, running stacks, and what a stack tells when it is asked.

An arbiter has two seconds to answer; where none does, nothing is suggested and nothing is said.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

import click
from click.shell_completion import CompletionItem

from circus_stack.errors import CircusStackError

# Somebody waits with a finger on the key.
ANSWER_S = 2.0


def items(values: Iterable[str], beginning: str) -> list[CompletionItem]:
    """The values that begin like this, in any case."""
    return [CompletionItem(value) for value in values if value.lower().startswith(beginning.lower())]


def complete_files(_context: click.Context, _parameter: click.Parameter, beginning: str) -> list[CompletionItem]:
    """Names of files, which the shell finds itself."""
    return [CompletionItem(beginning, type="file")]


def complete_backends(_context: click.Context, _parameter: click.Parameter, beginning: str) -> list[CompletionItem]:
    """Names of server backends."""
    from chaussette.backends.registry import known

    return items(known(), beginning)


def complete_stacks(_context: click.Context, _parameter: click.Parameter, beginning: str) -> list[CompletionItem]:
    """Names of the running stacks, with their files."""
    from circus_stack.client.discovery import find_stacks

    records = [each.record for each in find_stacks(os.environ).stacks]
    return [CompletionItem(each.name, help=each.source) for each in records if each.name.startswith(beginning)]


def complete_watchers(context: click.Context, _parameter: click.Parameter, beginning: str) -> list[CompletionItem]:
    """Names of the watchers of the stack that `--stack` names, or of the only one."""
    return items(_listed(context), beginning)


def complete_pids(context: click.Context, _parameter: click.Parameter, beginning: str) -> list[CompletionItem]:
    """Pids of the watcher that is the argument before."""
    watcher = context.params.get("watcher")
    return items(_listed(context, watcher), beginning) if watcher else []


def _listed(context: click.Context, watcher: str | None = None) -> list[str]:
    from circus_stack.cli.target import find_target

    try:
        target = find_target(os.environ, stack=context.params.get("stack_name"))
        with target.client(ANSWER_S) as client:
            reply = client.call("list", name=watcher)
    except (CircusStackError, OSError):
        return []
    return [str(each) for each in reply.get("watchers" if watcher is None else "pids", ())]
