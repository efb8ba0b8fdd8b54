"""The command line: a parser made out of the declarations in `settings`, and the way back to a `Settings`."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

from chaussette.settings import DEFAULT_APPLICATION, Declaration, Settings, declared

DESCRIPTION = "Serve a WSGI application on an inherited or a new listening socket."
EPILOG = """\
APPLICATION is one of
  module:callable              module.callable
  module:factory()             module:factory("literal", key=1)
  config:app.ini#name          paste:app.ini?key=value

examples:
  chaussette --port 8000 mypackage.wsgi:application
  chaussette --fd 3 --backend gevent config:production.ini
  chaussette --host unix:/run/app.sock --backend waitress --threads 8 'mypackage:make_app("prod")'

signals: SIGTERM and SIGINT finish the requests in flight, a second one and SIGQUIT end at once.
exit status: 0 stopped, 1 the application or a socket failed or requests were cut, 2 wrong usage.
"""
HELP_COLUMNS = 110
GROUPS = ("sockets", "server", "requests", "limits", "TLS", "application", "logging")
# `--backend` without a value: shows what there is.
NO_BACKEND = ""


def build_parser() -> argparse.ArgumentParser:
    """The parser of the `chaussette` program."""
    parser = argparse.ArgumentParser(
        "chaussette", description=DESCRIPTION, epilog=EPILOG, allow_abbrev=False,
        formatter_class=_formatter,
    )  # fmt: skip
    parser.add_argument("application", nargs="?", default=DEFAULT_APPLICATION, metavar="APPLICATION")
    parser.add_argument("arguments", nargs="*", metavar="ARGUMENT", help="kept for the hooks, in `args.arguments`")
    groups = {name: parser.add_argument_group(name) for name in GROUPS}
    for name, default, declaration in declared():
        _add_option(groups[declaration.group], name, default, declaration)
    groups["server"].add_argument(
        "--no-server-header", dest="server_header", action="store_const", const="", help="send no Server header"
    )
    groups["application"].add_argument(
        "--use-reloader", action="store_true", help="restart the worker when a source file changes (watchfiles)"
    )
    parser.add_argument(
        "--list-backends", action="store_true", help="show each backend and how to install it, and exit"
    )
    parser.add_argument("--version", action="store_true", help="show the version and exit")
    return parser


def settings_from(namespace: argparse.Namespace) -> Settings:
    """The settings that a parsed command line holds."""
    taken: dict[str, Any] = {each.name: getattr(namespace, each.name) for each in fields(Settings)}
    for name, value in taken.items():
        taken[name] = tuple(value) if isinstance(value, list) else value
    return Settings(**taken)


def command_line(settings: Settings) -> list[str]:
    """The options that give `settings` again: what the reloader starts its worker with."""
    words: list[str] = []
    for name, default, declaration in declared():
        value = getattr(settings, name)
        if value != default:
            words += _words(f"--{name.replace('_', '-')}", value, declaration)
    return words


def _formatter(prog: str) -> argparse.HelpFormatter:
    """argparse makes one for every option, and each would import shutil to measure the terminal: 5 ms of a start."""
    try:
        columns = os.get_terminal_size().columns
    except OSError:
        columns = HELP_COLUMNS
    return argparse.RawDescriptionHelpFormatter(prog, width=min(columns, HELP_COLUMNS) - 2)


def _words(flag: str, value: Any, declaration: Declaration) -> list[str]:
    if isinstance(value, bool):
        return [flag if value else flag.replace("--", "--no-", 1)]
    values: Sequence[Any] = value if declaration.repeats else (value,)
    return [f"{flag}={'='.join(each) if isinstance(each, tuple) else each}" for each in values]


def _add_option(group: argparse._ArgumentGroup, name: str, default: Any, declaration: Declaration) -> None:
    flags = [f"--{each.replace('_', '-')}" for each in (name, *declaration.aliases)]
    help_text = _help(default, declaration)
    if isinstance(default, bool) or name == "multiprocess":
        group.add_argument(*flags, dest=name, action=argparse.BooleanOptionalAction, default=default, help=help_text)
        return
    more: dict[str, Any] = {"nargs": "?", "const": NO_BACKEND} if name == "backend" else {}
    if declaration.repeats:
        more = {"action": "append"}
        default = []
    group.add_argument(
        *flags, dest=name, default=default, type=_parser(declaration.parse), metavar=declaration.metavar,
        help=help_text, **more,
    )  # fmt: skip


def _help(default: Any, declaration: Declaration) -> str:
    text = declaration.help.replace("%", "%%")
    is_plain = default not in (None, "", ()) and not isinstance(default, bool)
    return f"{text} (default: {default})" if is_plain else text


def _parser(parse: Callable[[str], object]) -> Callable[[str], object]:
    """argparse shows the message of its own error class only."""

    def convert(value: str) -> object:
        try:
            return parse(value)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return convert
