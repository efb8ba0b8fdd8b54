"""`circus-stack token`: bearer tokens, with which programs use the console's HTTP API."""

from __future__ import annotations

import time
from pathlib import Path

import click

from circus_stack.cli.console_directory import chosen_directory, directory_option
from circus_stack.cli.remote import stack_option
from circus_stack.errors import CircusStackError
from circus_stack.protocol.roles import Role
from circus_stack.web.access.tokens import Tokens

_CONTEXT = {"help_option_names": ["-h", "--help"]}


@click.group(context_settings=_CONTEXT)
def token() -> None:
    """Make tokens for programs that use the HTTP API, and take them back.

    \b
    circus-stack token add deploy --role operate
    curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8080/api/v1/watchers
    """


@token.command(context_settings=_CONTEXT)
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice([each.value for each in Role]),
    default=Role.VIEW.value,
    show_default=True,
    help="What it may do.",
)
@directory_option
@stack_option
def add(name: str, role: str, directory: Path | None, stack_name: str | None) -> None:
    """Make a token. It is shown this once: what is kept tells nobody what it was."""
    try:
        word = _tokens(directory, stack_name).add(name, Role(role))
    except (CircusStackError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(word)


@token.command("list", context_settings=_CONTEXT)
@directory_option
@stack_option
def list_(directory: Path | None, stack_name: str | None) -> None:
    """Show the names of the tokens, their roles, and when they were made."""
    try:
        found = _tokens(directory, stack_name).all()
    except CircusStackError as error:
        raise click.ClickException(str(error)) from None
    for name, each in found.items():
        click.echo(f"{name}  {each.role}  {time.strftime('%Y-%m-%d', time.localtime(each.created))}")


@token.command(context_settings=_CONTEXT)
@click.argument("name")
@directory_option
@stack_option
def remove(name: str, directory: Path | None, stack_name: str | None) -> None:
    """Let nobody in with this token any more."""
    try:
        if not _tokens(directory, stack_name).remove(name):
            raise ValueError(f"there is no token {name!r}; circus-stack token list shows them")
    except (CircusStackError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{name} lets nobody in any more")


def _tokens(directory: Path | None, stack_name: str | None) -> Tokens:
    return Tokens(chosen_directory(directory, stack_name), time.time)
