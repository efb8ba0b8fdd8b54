"""`circusctl logs`: what processes wrote, and with -f what they write from now on."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

from circus_stack.cli.ctl_commands import WordsError, build_other
from circus_stack.cli.ctl_flags import session_with
from circus_stack.cli.ctl_session import OK, REFUSED, Session
from circus_stack.cli.ctl_words import complete_words
from circus_stack.cli.log_follow import LogQuestion, follow, show_last, watcher_counts
from circus_stack.cli.log_view import JsonView, LogView, TextView
from circus_stack.client.sync import Client
from circus_stack.errors import CommandError
from circus_stack.protocol.command import assign_words
from circus_stack.protocol.commands import COMMANDS, DEFAULT_LINES, MAX_LINES

_COMMAND = COMMANDS["logs"]

_HELP = """Show the last lines that processes wrote: of all, of one WATCHER, or of one PID of it.

With -f they are followed by what is written from now on, each line once; Ctrl-C ends it. With --json each line of what
follows is an object.

\b
Example:
  circusctl logs -f -n 20 web"""


def _logs(words: Sequence[str], *, follows: bool, lines: int, **options: Any) -> None:
    context = click.get_current_context()
    session = session_with(context, options)
    try:
        named = assign_words(_COMMAND, words)
    except CommandError as error:
        raise WordsError(str(error).removeprefix("message invalid: "), context) from None
    if session.is_json and not follows:
        context.exit(session.run(_COMMAND.name, {**named, "limit": lines}))
    context.exit(_show(session, LogQuestion(named.get("name"), named.get("pid"), lines), follows=follows))


def _show(session: Session, question: LogQuestion, *, follows: bool) -> int:
    with session.reach.target().client(session.reach.timeout_s) as client:
        try:
            view = _view(session, client)
            if follows:
                published = session.reach.logs()
                follow(client, published.endpoint, question, view, _complainer(session), published.credentials)
            else:
                show_last(client, question, view)
        except CommandError as error:
            session.complain(f"error: {error}")
            return REFUSED
    return OK


def _view(session: Session, client: Client) -> LogView:
    if session.is_json:
        return JsonView(sys.stdout.buffer)
    return TextView(sys.stdout.buffer, session.style(), watcher_counts(client), _complainer(session))


def _complainer(session: Session) -> Any:
    return lambda text: session.complain(f"circusctl: {text}")


_FLAGS = [
    click.Option(["follows", "-f", "--follow"], is_flag=True, help="Go on with what is written from now on."),
    click.Option(
        ["lines", "-n", "--lines", "--limit"],
        type=click.IntRange(0, MAX_LINES),
        default=DEFAULT_LINES,
        show_default=True,
        metavar="N",
        help="How many of the last lines; the arbiter keeps 1,000 a watcher.",
    ),
]

logs = build_other(
    _logs, _COMMAND.name, _HELP, "[WATCHER [PID]]", params=_FLAGS, shell_complete=complete_words(_COMMAND)
)
