"""Commands on results that were kept: a report, a comparison of two, and the same measured again."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from circus_stack.cli.bench import options
from circus_stack.cli.bench.measure import FAILED, INTERRUPTED, MISCONFIGURED, carry_out
from circus_stack.cli.bench.suite import suite
from circus_stack.cli.bench.text import print_differences, print_order, print_result
from circus_stack.cli.completion.found import complete_files
from circus_stack.cli.output_file import write_output
from circus_stack.cli.style import style_of

if TYPE_CHECKING:
    from benchmarks.suite.result import Result

_THRESHOLD = click.option(
    "--threshold",
    type=click.FloatRange(0, 100, max_open=True),
    default=10.0,
    show_default=True,
    help="Percent that may be lost of a rate, or added to a time.",
)


@click.command(context_settings=options.HELP, short_help="A result as text, Markdown, a page or pictures.")
@click.argument("result", type=options.RESULT, shell_complete=complete_files)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    shell_complete=complete_files,
    help="NAME.html: a page with charts that needs nothing else; NAME.md: Markdown; without: text, here.",
)
@click.option("--png", type=click.Path(file_okay=False, path_type=Path), help="A directory for a picture a scenario.")
@click.option("--force", is_flag=True, help="Replace files that exist.")
def report(result: Path, output: Path | None, png: Path | None, force: bool) -> None:
    """Show what a run found: RESULT is the file that it has kept."""
    found = _load(result)
    if output is None and png is None:
        print_result(found, style_of(1, os.environ))
    try:
        if output is not None and write_output(output, _rendered(found, output), force=force):
            click.echo(f"written: {output}")
        for path in suite.report.pictures.draw(found, png) if png is not None else ():
            click.echo(f"written: {path}")
    except ImportError as error:
        raise click.ClickException(f"charts need matplotlib: pip install 'circus-stack[bench]' ({error})") from None
    except OSError as error:
        raise click.ClickException(str(error)) from None


def _rendered(result: Result, output: Path) -> str:
    is_page = output.suffix in (".html", ".htm")
    text: str = (suite.report.page if is_page else suite.report.markdown).render(result)
    return text


@click.command(context_settings=options.HELP, short_help="What became worse between two results.")
@click.argument("old", type=options.RESULT, shell_complete=complete_files)
@click.argument("new", type=options.RESULT, shell_complete=complete_files)
@_THRESHOLD
def compare(old: Path, new: Path, threshold: float) -> None:
    """Tell what is worse in NEW than in OLD, by more than the threshold and by more than the noise.

    Status 1 where something is, or where a contestant that was measured fails now.
    """
    sys.exit(_compared(_load(old), _load(new), f"{old} and {new}", threshold))


@click.command(context_settings=options.HELP, short_help="Measure again what a result holds, and compare.")
@click.argument("old", type=options.RESULT, shell_complete=complete_files)
@_THRESHOLD
@options.output("regress")
def regress(old: Path, threshold: float, output: Path | None) -> None:
    """Measure again what OLD holds, as it was measured, and compare: for CI, or before and after a change.

    Status 1 where something is worse by more than the threshold and by more than the noise.
    """
    before = _load(old)
    path = output or Path("results") / f"regress-{time.strftime('%Y%m%d-%H%M%S')}.json"
    try:
        plans = suite.programme.plans_of(before, suite.environment.cache_directory(os.environ), Path.cwd())
    except ValueError as error:
        raise click.ClickException(f"{old}: {error}") from None
    after, is_cut_off = carry_out(plans, path)
    click.echo(f"kept in {path}", err=True)
    sys.exit(INTERRUPTED if is_cut_off else _compared(before, after, f"{old} and {path}", threshold))


def _compared(before: Result, after: Result, names: str, threshold: float) -> int:
    differences = suite.compare.compare(before, after, threshold / 100)
    if not differences:
        raise click.ClickException(f"{names} have no measurement of the same contestant in common")
    for each in suite.compare.unlike(before, after):
        click.echo(f"warning: not the same {each}", err=True)
    print_differences(differences, style_of(1, os.environ))
    print_order(suite.compare.order(before, after), style_of(1, os.environ))
    return FAILED if any(each.is_regression for each in differences) else 0


def _load(path: Path) -> Result:
    try:
        return suite.result.load(path)
    except suite.result.ResultError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(MISCONFIGURED)
