"""`circus-stack passwd`: who may log in to the web console, by a password. No secret is an argument."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from circus_stack.cli.console_directory import chosen_directory, directory_option
from circus_stack.cli.console_extra import require_libraries
from circus_stack.cli.remote import stack_option
from circus_stack.errors import CircusStackError
from circus_stack.protocol.roles import Role
from circus_stack.web.access.users import FIRST_USER, MOST_LENGTH, Users, check_password


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("user", default=FIRST_USER)
@click.option(
    "--role",
    type=click.Choice([each.value for each in Role]),
    default=Role.ADMIN.value,
    show_default=True,
    help="What it may do.",
)
@click.option("--remove", is_flag=True, help="Let the user in no more.")
@click.option("--list", "lists", is_flag=True, help="Show who has a password, and with which role.")
@directory_option
@stack_option
def passwd(user: str, role: str, remove: bool, lists: bool, directory: Path | None, stack_name: str | None) -> None:
    """Set the password of a user of the web console. It is asked for twice, or read from a pipe.

    \b
    circus-stack passwd                      admin, who may do everything
    circus-stack passwd --role view board    a user who only looks
    circus-stack passwd --remove board
    """
    require_libraries()
    # Their libraries may not be there.
    from circus_stack.web.access.doors import open_doors

    place = chosen_directory(directory, stack_name)
    users = Users(place)
    try:
        if lists:
            for name, found in users.names().items():
                click.echo(f"{name}  {found}")
        elif remove:
            _remove(users, user)
            open_doors(place).sessions.end_all_of(user)
        else:
            users.set_password(user, _password(), Role(role))
            open_doors(place).sessions.end_all_of(user)
            click.echo(f"{user} has a password now, and the role {role}; whoever was logged in as {user} is out")
    except (CircusStackError, ValueError) as error:
        raise click.ClickException(str(error)) from None


def _remove(users: Users, user: str) -> None:
    if not users.remove(user):
        raise ValueError(f"there is no user {user!r}; there are: {', '.join(users.names()) or 'none'}")
    click.echo(f"{user} is let in no more")


def _password() -> str:
    if not sys.stdin.isatty():
        found = sys.stdin.readline(MOST_LENGTH + 2).rstrip("\r\n")
        check_password(found)
        return found
    found = str(click.prompt("Password", hide_input=True))
    check_password(found)
    if click.prompt("The same again", hide_input=True) != found:
        raise ValueError("the two are not the same; nothing was changed")
    return found
