"""`circusctl help [COMMAND]`: what `--help` prints, for those who ask first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
from click.shell_completion import CompletionItem

from circus_stack.cli.ctl_commands import build_other


def _help(words: Sequence[str], **_options: Any) -> None:
    context = click.get_current_context()
    group = context.find_root()
    assert isinstance(group.command, click.Group)
    if not words:
        click.echo(group.get_help())
        return
    name, command, _ = group.command.resolve_command(group, list(words))
    assert command is not None
    with command.make_context(name, [], parent=group, resilient_parsing=True) as asked:
        click.echo(command.get_help(asked))


def _names(context: click.Context, _parameter: click.Parameter, beginning: str) -> list[CompletionItem]:
    group = context.find_root().command
    names = group.commands if isinstance(group, click.Group) else {}
    return [CompletionItem(name) for name in names if name.startswith(beginning)]


help_command = build_other(
    _help,
    "help",
    "Explain a command, or list them all.\n\n\b\nExample:\n  circusctl help kill",
    "[COMMAND]",
    shell_complete=_names,
)
