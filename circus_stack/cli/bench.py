"""`circus-stack bench`: servers side by side under the same load, reports of it, and comparisons of two runs."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from circus_stack import __version__
from circus_stack.cli.bench_plan import DEFAULT_ROUNDS, DEFAULT_SECONDS, Asked, plan_of
from circus_stack.cli.bench_suite import suite
from circus_stack.cli.bench_text import print_differences, print_list, print_result
from circus_stack.cli.bench_watcher import ProgressPrinter
from circus_stack.cli.completion.found import complete_files
from circus_stack.cli.output_file import write_output
from circus_stack.cli.style import style_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.suite.result import Result
    from benchmarks.suite.run import Plan, Watcher

    _Carry = Callable[[Plan, Result, Watcher, Callable[[Result], None]], None]

_HELP = {"help_option_names": ["-h", "--help"]}
_FAILED, _MISCONFIGURED, _INTERRUPTED = 1, 2, 130
_RESULT = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(context_settings=_HELP)
def bench() -> None:
    """Measure servers for WSGI applications side by side, on this machine.

    \b
    circus-stack bench run --quick             three scenarios, some contestants, two minutes
    circus-stack bench run --app app.ini       your own application
    circus-stack bench report FILE -o r.html   a page with charts of what was found
    circus-stack bench compare OLD NEW         what became slower; status 1 if anything did

    The load comes from wrk (apt-get install wrk). Other servers are installed from PyPI, each into a virtual
    environment of its own in ~/.cache/circus-stack/bench.
    """


@bench.command("list", context_settings=_HELP)
def list_command() -> None:
    """Show the scenarios and the contestants; * marks those that a run takes by itself."""
    print_list()


@bench.command(context_settings=_HELP)
@click.option("-s", "--scenario", "scenarios", multiple=True, metavar="NAME", help="Only this one; may be repeated.")
@click.option(
    "-c", "--contestant", "contestants", multiple=True, metavar="NAME", help="Only this one; may be repeated."
)
@click.option("--app", metavar="MODULE:NAME|INI", help="Your own application in place of the scenarios' own.")
@click.option("--path", default="/", show_default=True, help="The page of --app that is asked for.")
@click.option("-w", "--workers", type=click.IntRange(1, 1000), default=1, show_default=True, help="Of each contestant.")
@click.option(
    "--rounds", type=click.IntRange(1, 1000), default=DEFAULT_ROUNDS, show_default=True, help="Contestants take turns."
)
@click.option(
    "--seconds", type=click.IntRange(1, 3600), help=f"The length of one load [default: {DEFAULT_SECONDS}; --quick: 1]"
)
@click.option(
    "--warm-up", type=click.IntRange(0, 3600), default=1, show_default=True, help="Seconds of load that don't count."
)
@click.option("--connections", type=click.IntRange(1, 10000), default=32, show_default=True, help="At the same time.")
@click.option("--quick", is_flag=True, help="Three scenarios and short rounds: two minutes.")
@click.option("--no-pin", is_flag=True, help="Let servers and generator share all processors.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    shell_complete=complete_files,
    help="Where the result is kept [default: results/bench-TIME.json]",
)
def run(
    scenarios: tuple[str, ...],
    contestants: tuple[str, ...],
    app: str | None,
    path: str,
    workers: int,
    rounds: int,
    seconds: int | None,
    warm_up: int,
    connections: int,
    quick: bool,
    no_pin: bool,
    output: Path | None,
) -> None:
    """Measure throughput and latency, round after round, and keep the result.

    Ctrl-C ends it early: what was measured until then is kept and shown. Status 1 where a contestant failed.
    """
    plan = plan_of(
        Asked(scenarios, contestants, app, path, workers, rounds, seconds, warm_up, connections, quick, not no_pin)
    )
    sys.exit(
        _carry_out(
            plan, output or Path("results") / f"bench-{time.strftime('%Y%m%d-%H%M%S')}.json", suite.run.carry_out
        )
    )


def _carry_out(plan: suite.run.Plan, output: Path, carry_out: _Carry) -> int:
    result = suite.run.begin(plan, __version__)
    watcher = ProgressPrinter(plan, style_of(2, os.environ))
    is_cut_off = False
    for number in (signal.SIGTERM, signal.SIGHUP):
        # As Ctrl-C: who is measured must not outlive who measures.
        signal.signal(number, signal.default_int_handler)
    try:
        # First of all, so that an unwritable place is not found out after an hour.
        suite.result.save(result, output)
        carry_out(plan, result, watcher, lambda found: suite.result.save(found, output))
    except (suite.wrk_load.LoadError, suite.target.AppError, OSError) as error:
        output.unlink(missing_ok=True)
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:
        is_cut_off = True
        suite.result.save(result, output)
    finally:
        watcher.end()
    print_result(result, style_of(1, os.environ))
    click.echo(f"\nkept in {output}; a page with charts: circus-stack bench report {output} -o report.html")
    if is_cut_off:
        return _INTERRUPTED
    return _FAILED if any(each.failure for each in result.entrants) else 0


@bench.command(context_settings=_HELP)
@click.option(
    "-c", "--contestant", "contestants", multiple=True, metavar="NAME", help="Only this one; may be repeated."
)
@click.option("--app", metavar="MODULE:NAME|INI", help="Your own application in place of the built-in one.")
@click.option("--path", default="/", show_default=True, help="The page whose answer ends a start.")
@click.option("-w", "--workers", type=click.IntRange(1, 1000), default=1, show_default=True, help="Of each contestant.")
@click.option(
    "--rounds", type=click.IntRange(1, 1000), default=DEFAULT_ROUNDS, show_default=True, help="Starts of each."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    shell_complete=complete_files,
    help="Where the result is kept [default: results/start-TIME.json]",
)
def start(
    contestants: tuple[str, ...], app: str | None, path: str, workers: int, rounds: int, output: Path | None
) -> None:
    """Measure how long contestants take to start, and what they hold in memory then.

    \b
    circus-stack bench start -w 175 --rounds 1 --app app.ini -c gevent -c gevent+preload
    """
    plan = plan_of(Asked((), contestants, app, path, workers, rounds, None, 0, 1, False, False))
    place = output or Path("results") / f"start-{time.strftime('%Y%m%d-%H%M%S')}.json"
    sys.exit(_carry_out(plan, place, suite.starting.carry_out))


@bench.command(context_settings=_HELP)
@click.argument("result", type=_RESULT, shell_complete=complete_files)
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
    if output is not None:
        text = _rendered(found, output)
        if write_output(output, text, force=force):
            click.echo(f"written: {output}")
    if png is not None:
        _draw(found, png)


def _rendered(result: suite.result.Result, output: Path) -> str:
    if output.suffix not in (".html", ".htm"):
        return suite.markdown.render(result)
    try:
        return suite.page.render(result)
    except ImportError as error:
        raise click.ClickException(f"charts need matplotlib: pip install 'circus-stack[bench]' ({error})") from None


def _draw(result: suite.result.Result, directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for each in suite.summary.tables(result):
            path = directory / f"{each.scenario}.png"
            suite.charts.png(suite.charts.rates(each, suite.page.OURS), path)
            click.echo(f"written: {path}")
    except ImportError as error:
        raise click.ClickException(f"charts need matplotlib: pip install 'circus-stack[bench]' ({error})") from None
    except OSError as error:
        raise click.ClickException(str(error)) from None


@bench.command(context_settings=_HELP)
@click.argument("old", type=_RESULT, shell_complete=complete_files)
@click.argument("new", type=_RESULT, shell_complete=complete_files)
@click.option(
    "--threshold",
    type=click.FloatRange(0, 100, max_open=True),
    default=10.0,
    show_default=True,
    help="Percent of the requests a second that may be lost.",
)
def compare(old: Path, new: Path, threshold: float) -> None:
    """Tell what is slower in NEW than in OLD, by more than the threshold and by more than the noise.

    Status 1 where something is, or where a contestant that served fails now.
    """
    before, after = _load(old), _load(new)
    differences = suite.compare.compare(before, after, threshold / 100)
    if not differences:
        raise click.ClickException(f"{old} and {new} have no scenario and contestant in common")
    for each in suite.compare.unlike(before, after):
        click.echo(f"warning: not the same {each}", err=True)
    print_differences(differences, style_of(1, os.environ))
    sys.exit(_FAILED if any(each.is_regression for each in differences) else 0)


def _load(path: Path) -> suite.result.Result:
    try:
        return suite.result.load(path)
    except suite.result.ResultError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(_MISCONFIGURED)
