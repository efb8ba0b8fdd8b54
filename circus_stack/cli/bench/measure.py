"""Plans carried out at a terminal: progress while it lasts, the result kept as it grows, shown at the end."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from circus_stack import __version__
from circus_stack.cli.bench.suite import suite
from circus_stack.cli.bench.text import print_result
from circus_stack.cli.bench.watcher import ProgressPrinter
from circus_stack.cli.style import style_of

if TYPE_CHECKING:
    from benchmarks.suite.plan import Plan
    from benchmarks.suite.result import Result

FAILED, MISCONFIGURED, INTERRUPTED = 1, 2, 130


def measure(plans: Sequence[Plan], output: Path | None, name: str) -> int:
    """The exit status: 1 where a contestant failed, 130 where it was ended early. What was found is kept either way."""
    path = output or Path("results") / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}.json"
    result, is_cut_off = carry_out(plans, path)
    print_result(result, style_of(1, os.environ))
    click.echo(f"\nkept in {path}; a page with charts: circus-stack bench report {path} -o report.html")
    if is_cut_off:
        return INTERRUPTED
    return FAILED if any(each.failure for part in result.parts for each in part.entrants) else 0


def carry_out(plans: Sequence[Plan], output: Path) -> tuple[Result, bool]:
    """The result, and whether Ctrl-C ended it early. ClickException where nothing could be measured."""
    result = suite.programme.begin_result(plans, __version__, _command())
    watcher = ProgressPrinter(plans, style_of(2, os.environ))
    is_cut_off = False
    for number in (signal.SIGTERM, signal.SIGHUP):
        # As Ctrl-C: who is measured must not outlive who measures.
        signal.signal(number, signal.default_int_handler)
    try:
        # First of all, so that an unwritable place is not found out after an hour.
        suite.result.save(result, output)
        suite.programme.carry_out(plans, result, watcher, lambda found: suite.result.save(found, output))
    except (*suite.programme.REFUSALS, OSError) as error:
        if not any(each.rounds or each.figures for each in result.parts):
            output.unlink(missing_ok=True)
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:
        is_cut_off = True
        suite.result.save(result, output)
    finally:
        watcher.end()
    return result, is_cut_off


def _command() -> list[str]:
    return ["circus-stack", *map(shlex.quote, sys.argv[1:])]
