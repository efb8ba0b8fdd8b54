"""The flags that every command of circusctl has, before the command or behind it, and abbreviations of options."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Any

import click
from msgspec import structs

from circus_stack.cli.completion.found import complete_stacks
from circus_stack.cli.ctl_reach import Reach
from circus_stack.cli.ctl_session import Session
from circus_stack.literals import parse_seconds

_REACH = ("endpoint", "stack", "ssh", "ssh_keyfile", "key", "server_key", "timeout_s")
_PRINTING = ("is_json", "is_pretty")


# Eleven days: more than anybody waits, and less than what ZeroMQ can count in milliseconds.
_LONGEST_S = 1_000_000


def _parse_timeout(_context: click.Context, _parameter: click.Parameter, value: str | None) -> float | None:
    if value is None:
        return None
    try:
        seconds = parse_seconds(value)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= _LONGEST_S:
        raise click.BadParameter(f"{value!r} is no number of seconds above 0, at most {_LONGEST_S}")
    return seconds


def _parse_place(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """`--ssh "$HOST"` with a HOST that isn't set must not mean the arbiter of this machine."""
    if value is not None and not value.strip():
        raise click.BadParameter("is empty: it would mean another arbiter than it seems to")
    return value


def general_flags(*, is_hidden: bool) -> list[click.Parameter]:
    """--endpoint, --stack, --timeout, --json, --prettify, --ssh, --ssh_keyfile, --key, --server-key."""

    def flag(*names: str, help: str, **more: Any) -> click.Option:
        return click.Option(names, hidden=is_hidden, help=help, **more)

    place = partial(flag, callback=_parse_place)
    return [
        place("--endpoint", metavar="ADDRESS", help="Endpoint of the arbiter [CIRCUSCTL_ENDPOINT]."),
        place("--stack", metavar="NAME|ID|INI", help="Which stack, where several run.", shell_complete=complete_stacks),
        flag(
            "timeout_s",
            "--timeout",
            metavar="SECONDS",
            callback=_parse_timeout,
            help="How long to wait for an answer [5].",
        ),
        flag("is_json", "--json", is_flag=True, help="Print the reply as JSON."),
        flag("is_pretty", "--prettify", is_flag=True, help="Indent that JSON."),
        place("--ssh", metavar="USER@HOST[:PORT]", help="Reach the arbiter of another machine through ssh."),
        flag(
            "ssh_keyfile",
            "--ssh_keyfile",
            "--ssh-keyfile",
            metavar="FILE",
            type=click.Path(),
            help="Private key for --ssh.",
        ),
        place(
            "--key",
            metavar="FILE",
            type=click.Path(),
            help="Your key, for a tcp endpoint that asks for one (circus-stack keygen client) [CIRCUSCTL_KEY].",
        ),
        place(
            "--server-key",
            "--server_key",
            metavar="KEY|FILE",
            help="The arbiter's public key, where your key file does not name it [CIRCUSCTL_SERVER_KEY].",
        ),
    ]


def apply_flags(session: Session, options: dict[str, Any]) -> Session:
    """The session, with the general flags that were given."""

    def given(names: tuple[str, ...]) -> dict[str, Any]:
        return {name: options[name] for name in names if options.get(name)}

    reach: Reach = structs.replace(session.reach, **given(_REACH))
    return structs.replace(session, reach=reach, **given(_PRINTING))


def session_with(context: click.Context, options: dict[str, Any]) -> Session:
    """The session that the group made, with the general flags that stand behind the command."""
    session: Session = context.obj
    return apply_flags(session, options)


class Abbreviating(click.Command):
    """Takes the beginning of a long option for the option, where it fits one only: `--wait`, `--pretty`."""

    is_exact = False

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not self.is_exact:
            args = list(self._written_out(ctx, args))
        return super().parse_args(ctx, args)

    def option_names(self, ctx: click.Context) -> dict[str, click.Option]:
        """Each spelling of each option."""
        options = (each for each in self.get_params(ctx) if isinstance(each, click.Option))
        return {name: option for option in options for name in option.opts}

    def _written_out(self, ctx: click.Context, args: list[str]) -> Iterator[str]:
        names = self.option_names(ctx)
        rest = iter(args)
        for word in rest:
            name, equals, value = word.partition("=")
            is_word = not word.startswith("-")
            if word == "--" or (is_word and not ctx.allow_interspersed_args):
                # What stands behind the command, or behind --, is not ours to read.
                yield word
                break
            name = _meant(name, names)
            yield name + equals + value
            option = names.get(name)
            if option is not None and not option.is_flag and not equals:
                yield from islice(rest, 1)
        yield from rest


def _meant(name: str, names: Mapping[str, click.Option]) -> str:
    """The only option that an abbreviation fits; the word itself where there is none, or several."""
    if not name.startswith("--") or name in names:
        return name
    fitting = {option.name: each for each, option in names.items() if each.startswith(name)}
    return next(iter(fitting.values())) if len(fitting) == 1 else name
