"""What is said about a command that doesn't exist: the nearest one, or all. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

import click


def unknown_command(name: str, names: Iterable[str], context: click.Context) -> click.UsageError:
    """The usage error (status 2) for a name among these that there is not."""
    known = list(names)
    near = get_close_matches(name, known, n=1)
    hint = f" Did you mean '{near[0]}'?" if near else f" There are: {', '.join(known)}."
    return click.UsageError(f"No such command '{name}'.{hint}", context)
