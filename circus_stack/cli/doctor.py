"""`circus-stack doctor`: what of this machine works, what doesn't, why, and how to mend it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import click

from circus_stack.cli.checkup.backends import backend_names, look_at_backends
from circus_stack.cli.checkup.finding import Finding
from circus_stack.cli.checkup.interpreter import look_at_libraries, look_at_python
from circus_stack.cli.checkup.report import as_json, as_text
from circus_stack.cli.style import style_of

Look = Callable[[], Iterable[Finding]]
# The looks mostly wait for processes of their own, which the kernel shares out over the cores.
_AT_ONCE = 8


def looks(environ: Mapping[str, str], ini: Path | None) -> list[Look]:
    """Everything to look at, in the order of the report. With `ini`, what that stack needs comes first."""
    found: list[Look] = [look_at_python, partial(look_at_libraries, environ)]
    found.append(partial(look_at_backends, backend_names(), environ))
    try:
        # Here, since a library that does not import must not end the program that tells of it.
        from circus_stack.cli.checkup.surroundings import looks_around, looks_at_ini
    except ImportError:
        return found
    return [*(looks_at_ini(environ, ini) if ini is not None else ()), *found, *looks_around(environ)]


def examine(found: Sequence[Look]) -> list[Finding]:
    """Look at everything at once; the findings stand in the order of the looks."""
    pool = ThreadPoolExecutor(_AT_ONCE)
    try:
        return [finding for findings in pool.map(lambda look: list(look()), found) for finding in findings]
    finally:
        # After a Ctrl-C nothing more is begun.
        pool.shutdown(cancel_futures=True)


@click.command()
@click.argument("ini", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print it.")
def doctor(ini: Path | None, form: str) -> None:
    """Look at this machine: Python, libraries, backends, services, limits, directories, running stacks; with INI,
    also at what that stack needs.

    Each library is really imported, each server really asked for its version. Exit status 1 if something that is
    required does not work.
    """
    findings = examine(looks(os.environ, ini))
    if form == "json":
        click.echo(as_json(findings))
    else:
        style = style_of(sys.stdout.fileno(), os.environ)
        width = shutil.get_terminal_size().columns if style.is_terminal else None
        # Colours are decided already, also for a pipe that is to get them.
        click.echo(as_text(findings, width=width, style=style), color=style.has_colour)
    sys.exit(1 if any(finding.is_fatal for finding in findings) else 0)
