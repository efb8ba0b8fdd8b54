"""The commands of circusctl, made from the one declaration that each has in `protocol.commands`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click
from click.shell_completion import CompletionItem

from circus_stack.cli.ctl_flags import Abbreviating, general_flags, session_with
from circus_stack.cli.ctl_session import FAILED
from circus_stack.cli.ctl_words import complete_value, complete_words
from circus_stack.errors import CommandError
from circus_stack.protocol.command import Command, assign_words, parse_value
from circus_stack.protocol.property import BOOL, LINE, PAIRS, WORDS, Property

_HELP_NAMES = ["-h", "--help"]


class WordsError(click.UsageError):
    """Words that fit no form of a command: status 1, as Circus has it."""

    exit_code = FAILED


class CtlCommand(Abbreviating, click.Command):
    """A command of circusctl: general flags may stand behind it, and options may be abbreviated, as with Circus."""

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        # The general flags, which its help leaves out, come where none of its own fits.
        names = [name for name in self.option_names(ctx) if name.startswith(incomplete)]
        return super().shell_complete(ctx, incomplete) or [CompletionItem(name) for name in names if incomplete]


class RestCommand(CtlCommand):
    """A command that takes all remaining words, also those that look like options (`add web python -m app`).

    Options of its own are not abbreviated here, since they could not be told from a word.
    """

    is_exact = True

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        # What stands before the first word can only have been meant as an option of ours.
        if args and args[0].startswith("-") and not ctx.resilient_parsing:
            ctx.ignore_unknown_options = args[0].partition("=")[0] in self.option_names(ctx)
        return super().parse_args(ctx, args)


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

    takes_rest = any(command.property(name).type.takes_rest for name in command.words)
    words = click.Argument(
        ["words"], nargs=-1, metavar=_metavar(command), shell_complete=complete_words(command), type=click.UNPROCESSED
    )
    flags = [_option(command, each) for each in command.properties if each.name not in command.words]
    return (RestCommand if takes_rest else CtlCommand)(
        command.name,
        params=[words, *flags, *general_flags(is_hidden=True)],
        callback=callback,
        help=f"{command.help}\n\n\b\nExample:\n  circusctl {command.example}",
        context_settings={
            "help_option_names": _HELP_NAMES[takes_rest:],
            "ignore_unknown_options": takes_rest,
        },
    )


def build_other(callback: Callable[..., None], name: str, help: str, words: str, **more: Any) -> click.Command:
    """A command that isn't in the table of the protocol, with `words` and the general flags; `more` as for click."""
    argument = click.Argument(["words"], nargs=-1, metavar=words, shell_complete=more.pop("shell_complete", None))
    return CtlCommand(
        name,
        params=[argument, *more.pop("params", ()), *general_flags(is_hidden=True)],
        callback=callback,
        help=help,
        context_settings={"help_option_names": _HELP_NAMES},
        **more,
    )


# How a command line writes what takes all the words that are left.
_REST = {WORDS: "{}...", LINE: "{}...", PAIRS: "OPTION VALUE [OPTION VALUE]..."}


def _metavar(command: Command) -> str:
    return " ".join(_word(command.property(name)) for name in command.words)


def _word(declared: Property) -> str:
    name = declared.name.upper()
    if declared.type.takes_rest:
        name = _REST.get(declared.type, "{}...").format(name.removesuffix("S"))
    return name if declared.is_required else f"[{name}]"


def _option(command: Command, declared: Property) -> click.Option:
    names = [declared.flag] if declared.flag else [f"--{declared.name}", f"--{declared.name.replace('_', '-')}"]
    names = [declared.name, *dict.fromkeys(names)]
    if declared.type is BOOL:
        return click.Option(names, is_flag=True, help=declared.help)
    return click.Option(
        names,
        metavar=declared.type.name.upper(),
        help=declared.help,
        shell_complete=complete_value(command, declared),
    )


def _properties(command: Command, options: dict[str, Any]) -> dict[str, Any]:
    """The flags that were given, as properties: what was not given is left to the arbiter."""
    given = {}
    for declared in command.properties:
        value = options.get(declared.name)
        if value is None or value is False:
            continue
        given[declared.name] = (not declared.inverts) if value is True else parse_value(declared, value)
    return given
