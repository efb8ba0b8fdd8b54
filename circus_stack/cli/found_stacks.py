"""Completion of the stacks that run on this machine, for every `--stack`."""

from __future__ import annotations

import os

import click
from click.shell_completion import CompletionItem

from circus_stack.client.discovery import find_stacks


def complete_stacks(_context: click.Context, _parameter: click.Parameter, beginning: str) -> list[CompletionItem]:
    """Names of the running stacks, with their files."""
    stacks = [each.record for each in find_stacks(os.environ).stacks]
    return [CompletionItem(each.name, help=each.source) for each in stacks if each.name.startswith(beginning)]
