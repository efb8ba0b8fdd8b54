"""Where the users, tokens and sessions of a stack's console are."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import click

from circus_stack.cli.target import Target, find_target
from circus_stack.errors import CircusStackError
from circus_stack.protocol.rundir import state_directory
from circus_stack.web.settings import DIRECTORY

directory_option = click.option(
    "--state-dir",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory of the console's files [console, in the state directory of the stack that runs].",
)


def console_directory(target: Target) -> Path:
    """Below the state directory of a stack of this machine; for an arbiter elsewhere one of this user's own."""
    record = target.stack.record if target.stack is not None else None
    if record is not None and record.state_dir:
        return Path(record.state_dir) / DIRECTORY
    number = hashlib.sha256(target.endpoint.encode()).hexdigest()[:10]
    return state_directory(os.environ, Path.home(), number) / DIRECTORY


def chosen_directory(directory: Path | None, stack_name: str | None) -> Path:
    """The one that was named, else that of the running stack. Raises click's error where there is none."""
    if directory is not None:
        return directory
    try:
        return console_directory(find_target(os.environ, stack=stack_name))
    except CircusStackError as error:
        raise click.ClickException(f"{error}; or name the directory with --state-dir") from None
