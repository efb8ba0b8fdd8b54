"""`circus-stack upgrade`: the arbiter's code is exchanged under a running stack, after a rehearsal."""

from __future__ import annotations

import click

from circus_stack.cli import upgrading
from circus_stack.cli.remote import remote, stack_option, target_of
from circus_stack.client.liveness import is_alive


@click.command("upgrade", context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--rehearsal-timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=upgrading.REHEARSAL_S,
    show_default=True,
    metavar="SECONDS",
    help="How long the new code has to show that it can take over.",
)
@stack_option
@remote
def upgrade_command(rehearsal_timeout: float, stack_name: str | None) -> None:
    """Execute the arbiter anew, in place: with the code that is installed now, in the same process.

    Workers, services, listening sockets, pipes and all that was changed at run time stay as they are; no connection
    and no log line is lost. The new code rehearses first: where it cannot take over, nothing changes, and the exit
    status is 1. The configuration isn't read again: `reload` does that.

    \b
    pip install --upgrade circus-stack
    circus-stack upgrade
    """
    target = target_of(stack_name)
    stack = target.stack
    with target.client() as client:
        reply = upgrading.upgrade(
            client,
            {"rehearsal_timeout": rehearsal_timeout},
            lambda: stack is None or is_alive(stack.paths),
        )
    click.echo(upgrading.summary(reply, None if stack is None else stack.record.pid))
