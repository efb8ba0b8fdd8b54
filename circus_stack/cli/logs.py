"""`circus-stack logs`: the last lines that the stack's processes wrote, and what they write from now on."""

from __future__ import annotations

import sys

import click

from circus_stack.cli.completion.found import complete_pids, complete_watchers
from circus_stack.cli.log_follow import LogQuestion, follow, show_last, watcher_counts
from circus_stack.cli.log_view import TextView
from circus_stack.cli.remote import remote, stack_option, stdout_style, target_of
from circus_stack.client.call import TIMEOUT_S
from circus_stack.protocol.commands import DEFAULT_LINES, MAX_LINES


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("watcher", required=False, shell_complete=complete_watchers)
@click.argument("pid", required=False, type=click.IntRange(min=1), shell_complete=complete_pids)
@click.option("-f", "--follow", "follows", is_flag=True, help="Go on with what is written from now on; Ctrl-C ends it.")
@click.option(
    "-n",
    "--lines",
    type=click.IntRange(0, MAX_LINES),
    default=DEFAULT_LINES,
    show_default=True,
    metavar="N",
    help="How many of the last lines; the stack keeps 1,000 a watcher.",
)
@stack_option
@remote
def logs(watcher: str | None, pid: int | None, follows: bool, lines: int, stack_name: str | None) -> None:
    """Show what the processes of the running stack wrote: of all, of one WATCHER, or of one PID of it.

    \b
    circus-stack logs
    circus-stack logs -f web
    circus-stack logs -n 500 web 4711
    """
    target = target_of(stack_name)
    question = LogQuestion(watcher, pid, lines)
    with target.client() as client:
        view = TextView(sys.stdout.buffer, stdout_style(), watcher_counts(client), _complain)
        if follows:
            follow(client, target.logs_endpoint(TIMEOUT_S), question, view, _complain, target.credentials)
        else:
            show_last(client, question, view)


def _complain(text: str) -> None:
    print(f"circus-stack: {text}", file=sys.stderr, flush=True)
