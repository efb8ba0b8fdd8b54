"""`circus-stack reload`: reads the configuration again, applies it, and waits until it is in force or rolled back."""

from __future__ import annotations

from typing import Any

import click

from circus_stack.cli.completion.found import complete_watchers
from circus_stack.cli.events_view import EventsView
from circus_stack.cli.remote import remote, stack_option, stdout_style, target_of
from circus_stack.client.call import checked


@click.command("reload", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("watchers", nargs=-1, metavar="[WATCHER]...", shell_complete=complete_watchers)
@click.option("--dry-run", is_flag=True, help="Only tell what would change.")
@click.option("--no-roll", is_flag=True, help="Leave alone what did not change; workers are else replaced, too.")
@stack_option
@remote
def reload_command(watchers: tuple[str, ...], dry_run: bool, no_roll: bool, stack_name: str | None) -> None:
    """Read the configuration again, apply what changed, and replace the workers; no request is lost.

    New processes start first; the old ones go once the new are ready. If they do not become ready, the old serve on,
    and the exit status is 1. With a WATCHER, only its processes are replaced and the configuration isn't read.

    \b
    circus-stack reload --dry-run
    circus-stack reload
    circus-stack reload web
    """
    if watchers and (dry_run or no_roll):
        raise click.UsageError("--dry-run and --no-roll are about the configuration: they go without a WATCHER")
    target = target_of(stack_name)
    with target.client() as client:
        if dry_run:
            click.echo("\n".join(client.call("reloadconfig", dry_run=True)["changes"]) or "nothing would change")
            return
        with EventsView(target, client, stdout_style()) as view:
            for command, properties in _commands(watchers, roll=not no_roll):
                checked(view.wait_reply(client, command, properties))
    click.echo("reloaded")


def _commands(watchers: tuple[str, ...], *, roll: bool) -> list[tuple[str, dict[str, Any]]]:
    if not watchers:
        return [("reloadconfig", {"roll": roll, "waiting": True})]
    return [("reload", {"name": name, "waiting": True}) for name in watchers]
