"""What `status`, `logs`, `reload` and `stop` share: finding the stack, flags, and errors in one clear line."""

from __future__ import annotations

import functools
import os
import signal
import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import click

from circus_stack.cli.completion.found import complete_stacks
from circus_stack.cli.orphans import orphans_hint
from circus_stack.cli.style import Style, style_of
from circus_stack.cli.target import Target, find_target
from circus_stack.client.discovery import NoStackError
from circus_stack.errors import CircusStackError

P = ParamSpec("P")
R = TypeVar("R")

stack_option = click.option(
    "--stack",
    "stack_name",
    metavar="NAME|ID|INI",
    help="Which stack, where several of this user run.",
    shell_complete=complete_stacks,
)


def remote(function: Callable[P, R]) -> Callable[P, R]:
    """A command that speaks with an arbiter: what fails is one line and status 1, no traceback."""

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        # `circus-stack logs | head` ends as other programs do.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        try:
            return function(*args, **kwargs)
        except CircusStackError as error:
            raise click.ClickException(str(error)) from None
        except KeyboardInterrupt:
            sys.exit(130)

    return wrapper


def target_of(stack_name: str | None) -> Target:
    """The arbiter that is meant. Raises CallError, which tells of processes that live on without one."""
    try:
        return find_target(os.environ, stack=stack_name)
    except NoStackError as error:
        hint = orphans_hint(os.environ)
        raise NoStackError(f"{error}\n{hint}" if hint else str(error)) from None


def stdout_style() -> Style:
    """What stdout can show."""
    return style_of(sys.stdout.fileno(), os.environ)
