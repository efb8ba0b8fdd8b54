"""The commands of circusctl, made from the one declaration that each has in `protocol.commands`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import click

from circus_stack.cli.ctl_session import FAILED, Session
from circus_stack.errors import CommandError
from circus_stack.protocol.command import Command, assign_words, parse_value
from circus_stack.protocol.property import BOOL, WORDS, Property

_HELP_NAMES = {"help_option_names": ["-h", "--help"]}


class WordsError(click.UsageError):
    """Words that fit no form of a command: status 1, as Circus has it."""

    exit_code = FAILED


def build_command(command: Command) -> click.Command:
    """The click command for a row of the table."""

    def callback(words: Sequence[str], **options: Any) -> None:
        context = click.get_current_context()
        session = session_with(context, options)
        try:
            properties = assign_words(command, words) | _properties(command, options)
        except CommandError as error:
            raise WordsError(str(error).removeprefix("message invalid: "), context) from None
        context.exit(session.run(command.name, properties))

    flags = [_option(each) for each in command.properties if each.name not in command.words]
    return click.Command(
        command.name,
        params=[click.Argument(["words"], nargs=-1, metavar=_metavar(command)), *flags, *general_options()],
        callback=callback,
        help=f"{command.help}\n\n\b\nExample:\n  circusctl {command.example}",
        context_settings=_HELP_NAMES,
    )


def _metavar(command: Command) -> str:
    words = [_word(command.property(name)) for name in command.words]
    return " ".join(words)


def _word(declared: Property) -> str:
    if declared.type is WORDS:
        return f"{declared.name.removesuffix('s').upper()}..."
    return declared.name.upper() if declared.is_required else f"[{declared.name.upper()}]"


def _option(declared: Property) -> click.Option:
    names = list(dict.fromkeys([declared.flag or f"--{declared.name}", f"--{declared.name.replace('_', '-')}"]))
    if declared.flag:
        names = [declared.flag]
    if declared.type is BOOL:
        return click.Option([declared.name, *names], is_flag=True, help=declared.help)
    return click.Option([declared.name, *names], metavar=declared.type.name.upper(), help=declared.help)


def _properties(command: Command, options: dict[str, Any]) -> dict[str, Any]:
    """The flags that were given, as properties: what was not given is left to the arbiter."""
    given = {}
    for declared in command.properties:
        value = options.get(declared.name)
        if value is None or value is False:
            continue
        given[declared.name] = (not declared.inverts) if value is True else parse_value(declared, value)
    return given


# -- general flags: before the command or behind it, as with Circus ---------------------------------------------------


def general_options(*, is_hidden: bool = True) -> list[click.Parameter]:
    """--endpoint, --stack, --timeout, --json, --prettify."""
    return [
        click.Option(
            ["--endpoint"], metavar="ADDRESS", hidden=is_hidden, help="Endpoint of the arbiter [CIRCUSCTL_ENDPOINT]."
        ),
        click.Option(["--stack"], metavar="NAME|ID|INI", hidden=is_hidden, help="Which stack, where several run."),
        click.Option(
            ["timeout_s", "--timeout"],
            type=click.FloatRange(min=0, min_open=True),
            metavar="SECONDS",
            hidden=is_hidden,
            help="How long to wait for an answer [5].",
        ),
        click.Option(["is_json", "--json"], is_flag=True, hidden=is_hidden, help="Print the reply as JSON."),
        click.Option(["is_pretty", "--prettify"], is_flag=True, hidden=is_hidden, help="Indent that JSON."),
    ]


_GENERAL = ("endpoint", "stack", "timeout_s", "is_json", "is_pretty")


def session_with(context: click.Context, options: dict[str, Any]) -> Session:
    """The session that the group made, with the general flags that stand behind the command."""
    session: Session = context.obj
    return dataclasses.replace(session, **{name: options[name] for name in _GENERAL if options.get(name)})


def with_general_options(callback: Callable[..., None], name: str, help: str, words: str) -> click.Command:
    """A command that isn't in the table of the protocol, with `words` and the general flags."""
    return click.Command(
        name,
        params=[click.Argument(["words"], nargs=-1, metavar=words), *general_options()],
        callback=callback,
        help=help,
        context_settings=_HELP_NAMES,
    )
