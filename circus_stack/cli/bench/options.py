"""Options that several commands of `circus-stack bench` have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from circus_stack.cli.completion.found import complete_files

_F = TypeVar("_F", bound=Callable[..., Any])

HELP = {"help_option_names": ["-h", "--help"]}
RESULT = click.Path(exists=True, dir_okay=False, path_type=Path)


def contestant(function: _F) -> _F:
    """-c, many times."""
    text = "Only this one; may be repeated."
    return click.option("-c", "--contestant", "contestants", multiple=True, metavar="NAME", help=text)(function)


def app(function: _F) -> _F:
    """--app and --path."""
    text = "Your own application in place of the suite's; `pyramid`: the Pyramid example."
    function = click.option("--path", default="/", show_default=True, help="The page of --app that is asked for.")(
        function
    )
    return click.option("--app", metavar="MODULE:NAME|INI", help=text)(function)


def workers(default: int) -> Callable[[_F], _F]:
    """-w, many times."""
    return click.option(
        "-w",
        "--workers",
        type=click.IntRange(1, 1000),
        multiple=True,
        default=(default,),
        help=f"Of each contestant [default: {default}]; may be repeated, to have each with so many.",
    )


def rounds(default: int, text: str = "Contestants take turns.") -> Callable[[_F], _F]:
    """--rounds."""
    return click.option("--rounds", type=click.IntRange(1, 1000), default=default, show_default=True, help=text)


def quick(function: _F) -> _F:
    """--quick."""
    return click.option("--quick", is_flag=True, help="Less of all: two minutes at most.")(function)


def output(kind: str) -> Callable[[_F], _F]:
    """-o, for a result."""
    return click.option(
        "-o",
        "--output",
        type=click.Path(dir_okay=False, path_type=Path),
        shell_complete=complete_files,
        help=f"Where the result is kept [default: results/{kind}-TIME.json]",
    )
