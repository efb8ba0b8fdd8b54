"""`circus-stack stop`: ends the running stack and waits until nothing of it is left."""

from __future__ import annotations

import time
from pathlib import Path

import click

from circus_stack.cli.events_view import EventsView
from circus_stack.cli.orphans import stop_orphans
from circus_stack.cli.remote import remote, stack_option, stdout_style, target_of
from circus_stack.client.call import checked
from circus_stack.errors import CallError

_PAUSE_S = 0.05


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0, min_open=True),
    default=120.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait; the stack goes on stopping after that.",
)
@click.option("--orphans", "ends_orphans", is_flag=True, help="End processes whose arbiter was killed.")
@click.option(
    "--state-dir",
    metavar="DIRECTORY",
    type=click.Path(path_type=Path),
    help="With --orphans: where that stack keeps its state, if its file says so.",
)
@stack_option
@remote
def stop(timeout_s: float, ends_orphans: bool, state_dir: Path | None, stack_name: str | None) -> None:
    """Stop the running stack: every process gracefully, then the arbiter itself.

    \b
    circus-stack stop
    circus-stack stop --stack app.ini
    circus-stack stop --orphans          what an arbiter that was killed has left
    """
    if ends_orphans:
        stop_orphans(stack_name, state_dir)
        return
    target = target_of(stack_name)
    deadline = time.monotonic() + timeout_s
    with target.client() as client, EventsView(target, client, stdout_style()) as view:
        if target.stack is None:
            checked(client.request("quit", {"waiting": True}, timeout_s=timeout_s))
        else:
            client.call("quit")
            _wait_gone(view, deadline, timeout_s)
    click.echo("stopped")


def _wait_gone(view: EventsView, deadline: float, timeout_s: float) -> None:
    while view.is_stack_alive():
        view.show(_PAUSE_S)
        if time.monotonic() > deadline:
            raise CallError(f"not stopped within {timeout_s:g} s; `circus-stack status` shows what is left")
    view.show(0)
