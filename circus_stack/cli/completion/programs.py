"""Our programs as click commands, by name, for completion: each imported only when it is asked for."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable, Mapping
from typing import Any

import click
from click.shell_completion import CompletionItem

from circus_stack.cli.completion.found import complete_backends, complete_files

_CLICK = {
    "circus-stack": "circus_stack.cli.stack:stack",
    "circusctl": "circus_stack.cli.circusctl:circusctl",
    "circusd": "circus_stack.cli.circusd:circusd",
    "circusd-stats": "circus_stack.cli.circusd_stats:circusd_stats",
    "circus-top": "circus_stack.cli.circus_top:circus_top",
    "circushttpd": "circus_stack.cli.circushttpd:circushttpd",
    "circus-plugin": "circus_stack.cli.circus_plugin:circus_plugin",
}
PROGRAMS = (*_CLICK, "chaussette")

Suggest = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def command_of(program: str) -> click.Command:
    """The command of a program; KeyError for a name that is none of ours."""
    if program == "chaussette":
        return _chaussette()
    module, _, name = _CLICK[program].partition(":")
    command: click.Command = getattr(importlib.import_module(module), name)
    return command


def _chaussette() -> click.Command:
    """chaussette, which stands alone, has a parser of argparse's; its options are written again in click's words."""
    from chaussette.arguments import build_parser

    suggest = {"backend": complete_backends}
    # argparse shows its actions to nobody but itself.
    actions = build_parser()._actions
    options = [_option(action, suggest) for action in actions if action.option_strings]
    application = click.Argument(["application"], required=False, shell_complete=complete_files)
    return click.Command("chaussette", params=[application, *options], add_help_option=False)


def _option(action: argparse.Action, suggest: Mapping[str, Suggest]) -> click.Option:
    names = [name for name in action.option_strings if not name.startswith("--no-")]
    more: dict[str, Any] = {"is_flag": True} if action.nargs == 0 else {"type": _type_of(action)}
    help = None if action.help is None else action.help.replace("%%", "%")
    return click.Option(
        [action.dest.replace("-", "_"), *(names or action.option_strings)],
        help=help,
        shell_complete=suggest.get(action.dest),
        **more,
    )


def _type_of(action: argparse.Action) -> Any:
    metavar = str(action.metavar or "").upper()
    if action.choices:
        return click.Choice([str(each) for each in action.choices])
    return click.Path() if "FILE" in metavar or "PATH" in metavar else click.STRING
