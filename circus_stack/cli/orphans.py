"""Processes whose arbiter was killed: what is said of them where no stack was found, and their end."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import click

from circus_stack.errors import CallError


def orphans_hint(environ: Mapping[str, str]) -> str:
    """Lines that tell of them, and what can be done; empty where there are none."""
    # Only where no stack was found: it takes the libraries of an arbiter, and a look through /proc.
    from circus_stack.daemon.adoption.orphans import find_orphans

    found = find_orphans(environ, Path.home())
    if not found:
        return ""
    lines = [f"  {each}" for each in found]
    how = "start the stack again to adopt them (circus-stack serve FILE), or end them: circus-stack stop --orphans"
    return "\n".join([*lines, how])


def stop_orphans(stack: str | None, state_dir: Path | None) -> None:
    """End them, and say how many there were. Raises CallError where there are none, or of several stacks."""
    from circus_stack.daemon.adoption.orphans import end_orphans, find_orphans

    found = find_orphans(os.environ, Path.home(), state_dir)
    if stack is not None:
        found = [
            each for each in found if stack in (each.source, each.legacy.head.instance, _named(each.source, stack))
        ]
    if not found:
        raise CallError("there are no processes without an arbiter")
    if len(found) > 1:
        listing = "\n".join(f"  {each}" for each in found)
        raise CallError(f"there are those of several stacks: say which with --stack INI\n{listing}")
    count = end_orphans(found[0])
    click.echo("1 process ended" if count == 1 else f"{count} processes ended")


def _named(source: str, stack: str) -> str:
    """The same word where it is the path of that file."""
    return stack if str(Path(stack).resolve()) == source else ""
