"""`circus-top`: what stacks do now, on the whole terminal or printed once. Circus's own options have their meaning.

Exit status: 0; 1 where nobody answers; 2 for a wrong command line, or without a terminal; 130 interrupted.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

import click

from circus_stack import __version__
from circus_stack.cli.completion.found import complete_stacks
from circus_stack.cli.ctl_reach import Tunnels
from circus_stack.cli.interrupts import raise_interrupts
from circus_stack.cli.top_places import Wanted, places_of
from circus_stack.errors import CircusStackError
from circus_stack.top.columns import ALL, BY_NAME
from circus_stack.top.exports import as_csv, as_json
from circus_stack.top.lines import View
from circus_stack.top.once import look_once
from circus_stack.top.place import Place
from circus_stack.top.plain import render
from circus_stack.top.rows import StackRow

_FAILED, _MISUSED, _INTERRUPTED = 1, 2, 130

_EPILOG = """\b
circus-top                            the stacks of this user
circus-top --once --sort cpu          print it, and end
circus-top --once --csv > now.csv
circus-top --control                  with keys that stop, start and reload
circus-top --ssh me@host              the stack of another machine
circus-top --remote tcp://node2:5555 --remote tcp://node3:5555 --key me.key

Keys: ? shows them. Exit status: 0, 1 where nobody answers, 2 wrong usage."""


@click.command(context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EPILOG)
@click.option(
    "--stack",
    "stacks",
    multiple=True,
    metavar="NAME|ID|INI",
    shell_complete=complete_stacks,
    help="One stack of this machine; may be given again. All of this user if not given.",
)
@click.option(
    "--remote",
    "remotes",
    multiple=True,
    metavar="ENDPOINT",
    help="Command endpoint of a stack elsewhere; may be given again.",
)
@click.option("--endpoint", metavar="ENDPOINT", help="A statistics channel alone, as with Circus: figures, no states.")
@click.option("--ssh", metavar="USER@HOST[:PORT]", help="Reach the endpoints through ssh.")
@click.option("--ssh_keyfile", "--ssh-keyfile", metavar="FILE", type=click.Path(), help="Private key for --ssh.")
@click.option(
    "--key",
    metavar="FILE",
    type=click.Path(),
    help="Your key, for tcp endpoints that ask for one [CIRCUSCTL_KEY].",
)
@click.option(
    "--server-key",
    "--server_key",
    metavar="KEY|FILE",
    help="The arbiter's public key, where your key file does not name it [CIRCUSCTL_SERVER_KEY].",
)
@click.option(
    "--process-timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=3.0,
    show_default=True,
    help="With --endpoint: seconds without a word of a process until it is taken for gone.",
)
@click.option("--control", "has_control", is_flag=True, help="Let keys stop, start, reload and kill; each asks first.")
@click.option("--sort", type=click.Choice([each.name for each in ALL]), help="Order; that of the file if not given.")
@click.option("--filter", "wanted_rows", default="", metavar="TEXT", help="Only what has this in its name or command.")
@click.option("--once", is_flag=True, help="Print one look, and end.")
@click.option("--json", "is_json", is_flag=True, help="The same as JSON.")
@click.option("--csv", "is_csv", is_flag=True, help="The same as CSV.")
@click.version_option(__version__, "-V", "--version", prog_name="circus-top", message="%(prog)s %(version)s")
def circus_top(
    process_timeout: float,
    has_control: bool,
    sort: str | None,
    wanted_rows: str,
    once: bool,
    is_json: bool,
    is_csv: bool,
    **reach: Any,
) -> None:
    """Show watchers, processes and sockets: CPU, memory, requests, latencies, restarts, with graphs and live logs."""
    if is_json and is_csv:
        raise click.UsageError("--json and --csv exclude each other")
    view = View(wanted=wanted_rows)
    if sort is not None:
        view = view.sorted_by(BY_NAME[sort])
    with closing(Tunnels()) as tunnels:
        if once or is_json or is_csv:
            places = places_of(Wanted(**reach), os.environ, tunnels)
            sys.exit(_print(places, process_timeout, _form(is_json, is_csv, view)))
        _check_terminal()
        places = places_of(Wanted(**reach), os.environ, tunnels)
        _show(places, view, has_control=has_control, silence_s=process_timeout)


def _form(is_json: bool, is_csv: bool, view: View) -> Callable[[Sequence[StackRow]], str]:
    if is_json:
        return as_json
    return (lambda stacks: as_csv(stacks, view)) if is_csv else (lambda stacks: render(stacks, view))


def _print(places: Sequence[Place], silence_s: float, form: Callable[[Sequence[StackRow]], str]) -> int:
    """Print one look; 1 if a stack did not answer."""
    stacks = asyncio.run(look_once(places, silence_s))
    print(form(stacks), flush=True)
    silent = [each for each in stacks if each.trouble and not each.watchers]
    for stack in silent:
        print(f"circus-top: {stack.name}: {stack.trouble}", file=sys.stderr, flush=True)
    return _FAILED if silent else 0


def _check_terminal() -> None:
    # Textual reads from the first and draws on the third.
    if not all(each.isatty() for each in (sys.stdin, sys.stdout, sys.stderr)):
        raise click.UsageError("there is no terminal to draw on: --once, --json or --csv print one look")


def _show(places: Sequence[Place], view: View, *, has_control: bool, silence_s: float) -> None:
    # Here, since Textual takes a third of a second to import.
    try:
        from circus_stack.top.screen.app import TopApp
    except ImportError as error:
        if error.name is None or error.name.partition(".")[0] != "textual":
            raise
        raise CircusStackError(
            "the screen needs Textual: pip install 'circus-stack[top]' (--once does without)"
        ) from None
    TopApp(places, view, has_control=has_control, silence_s=silence_s).run()


def main() -> None:
    """Entry point of the console script."""
    raise_interrupts()
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        sys.exit(circus_top.main(prog_name="circus-top", standalone_mode=False))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except CircusStackError as error:
        click.echo(f"circus-top: {error}", err=True)
        sys.exit(_FAILED)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
