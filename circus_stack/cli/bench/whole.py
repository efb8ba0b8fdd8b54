"""`circus-stack bench all`: every kind in one run, with a report."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from circus_stack.cli.bench import options
from circus_stack.cli.bench.measure import measure
from circus_stack.cli.bench.whole_plans import whole_plans


@click.command("all", context_settings=options.HELP, short_help="Every kind in one run, in a quarter of an hour.")
@options.app
@options.quick
@options.output("all")
def all_command(app: str | None, path: str, quick: bool, output: Path | None) -> None:
    """Measure all kinds in one run: a quarter of an hour on two processors.

    With --app only what answers for that application: which backend, how many workers, how much memory, how it
    compares with gunicorn, and at what load it breaks.
    """
    sys.exit(measure(whole_plans(app, path, is_quick=quick), output, "all"))
