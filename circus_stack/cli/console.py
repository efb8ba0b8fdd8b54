"""`circus-stack console`: where the web console is, and a link that lets this user in once, without a password."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click

from circus_stack.cli.console_address import console_address
from circus_stack.cli.console_directory import console_directory
from circus_stack.cli.remote import stack_option
from circus_stack.cli.target import Target, find_target
from circus_stack.config.httpd_watcher import NAME
from circus_stack.errors import CircusStackError
from circus_stack.protocol.roles import Role
from circus_stack.web.access.login_links import LIFETIME_S, LoginLinks, link_address


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--role",
    type=click.Choice([each.value for each in Role]),
    default=Role.ADMIN.value,
    show_default=True,
    help="What the link gives.",
)
@click.option("--url", metavar="URL", help="The console's address, where a proxy or TLS gives it another one.")
@click.option("--open", "opens", is_flag=True, help="Open it in this machine's browser.")
@click.option("--state-dir", "directory", type=click.Path(file_okay=False, path_type=Path), help="Of the console.")
@stack_option
def console(role: str, url: str | None, opens: bool, directory: Path | None, stack_name: str | None) -> None:
    """Print a link that logs in to the web console of the running stack. It works once, within 15 minutes."""
    try:
        base, place = _whereabouts(url, directory, stack_name)
        word = LoginLinks(place, time.time).make(Role(role))
    except CircusStackError as error:
        raise click.ClickException(str(error)) from None
    link = link_address(base, word)
    click.echo(link)
    click.echo(f"Works once, within {LIFETIME_S / 60:.0f} minutes, as {role}.", err=True)
    if opens:
        click.launch(link)


def _whereabouts(url: str | None, directory: Path | None, stack_name: str | None) -> tuple[str, Path]:
    """The address and the directory. Who names both may have a console of a stack that runs elsewhere."""
    if url and directory:
        return url, directory
    target = find_target(os.environ, stack=stack_name)
    base = url or address_of(target)
    if not base:
        raise CircusStackError("the console of this stack does not run: httpd = true in [circus], or circushttpd")
    return base, directory or console_directory(target)


def address_of(target: Target) -> str:
    """The console's address as a browser of this machine reaches it; empty where the stack runs none."""
    with target.client() as client:
        sockets = client.call("listsockets")["sockets"]
        own = next((each for each in sockets if each["name"] == NAME and "port" in each), None)
        if own is None:
            return ""
        cmd = client.call("options", name=NAME)["options"]["cmd"]
    return console_address(str(own["host"]), int(own["port"]), str(cmd))
