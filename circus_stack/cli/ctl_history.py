"""`circusctl stats`: what the processes use now, as every command asks it; with `--since`, what they have used."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click
from msgspec import structs

from circus_stack.cli.ctl_commands import WordsError, build_command
from circus_stack.cli.ctl_flags import session_with
from circus_stack.cli.ctl_session import OK, REFUSED, Session
from circus_stack.cli.history_table import render_histories, render_history
from circus_stack.client.stats.records import History
from circus_stack.client.stats.sync import StatsClient
from circus_stack.client.stats.whereabouts import Whereabouts
from circus_stack.errors import CommandError
from circus_stack.literals import parse_span
from circus_stack.protocol.command import assign_words
from circus_stack.protocol.commands import COMMANDS

_COMMAND = COMMANDS["stats"]

_SINCE_HELP = (
    "What they used since then, by circusd-stats: of all watchers; or as time went by, of one or of one process. "
    "Seconds, or with a unit: 90s, 10m, 6h, 7d."
)
_EXAMPLES = """
  circusctl stats --since 10m
  circusctl stats --since 6h web
  circusctl stats --since 1h web 4711"""


def _parse_since(_context: click.Context, _parameter: click.Parameter, value: str | None) -> float | None:
    if value is None:
        return None
    try:
        return parse_span(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is no length of time: write it as 90s, 10m, 6h or 7d") from None


def _made() -> click.Command:
    """The command of the protocol, with one more flag."""
    command = build_command(_COMMAND)
    ask = command.callback
    assert ask is not None
    command.callback = _history_or(ask)
    command.params.append(click.Option(["since_s", "--since"], metavar="TIME", callback=_parse_since, help=_SINCE_HELP))
    command.help = f"{command.help}{_EXAMPLES}"
    return command


def _history_or(ask: Callable[..., Any]) -> Callable[..., None]:
    def callback(words: Sequence[str], since_s: float | None, **options: Any) -> None:
        if since_s is None:
            ask(words=words, **options)
            return
        context = click.get_current_context()
        session = session_with(context, options)
        named = _named(context, words)
        context.exit(_show(session, named.get("name"), named.get("process"), since_s))

    return callback


def _named(context: click.Context, words: Sequence[str]) -> Mapping[str, Any]:
    try:
        return assign_words(_COMMAND, words)
    except CommandError as error:
        raise WordsError(str(error).removeprefix("message invalid: "), context) from None


def _show(session: Session, watcher: str | None, pid: int | None, since_s: float) -> int:
    """Print it; 3 for a watcher or a process that nobody remembers."""
    published = session.reach.statistics()
    where = Whereabouts(query=published.endpoint, credentials=published.credentials)
    with StatsClient(where, timeout_s=session.reach.timeout_s) as stats:
        try:
            histories = _ask(stats, watcher, pid, since_s)
        except CommandError as error:
            session.complain(f"error: {error}")
            return REFUSED
    session.say(_as_json(session, histories) if session.is_json else _as_text(session, watcher, histories))
    return OK


def _ask(stats: StatsClient, watcher: str | None, pid: int | None, since_s: float) -> list[History]:
    names = stats.series()
    if watcher is not None and watcher not in names:
        raise CommandError(f"nothing is remembered of {watcher!r}; there is {', '.join(filter(None, names))}")
    if watcher is None or pid is None:
        return [stats.history(name, since_s=since_s) for name in names if watcher in (None, name)]
    found = stats.history(watcher, pid=pid, since_s=since_s)
    if not found.times:
        raise CommandError(f"nothing is remembered of process {pid} of {watcher!r} in that time")
    return [found]


def _as_json(session: Session, histories: Sequence[History]) -> str:
    return session.json({"status": "ok", "series": [structs.asdict(each) for each in histories]})


def _as_text(session: Session, watcher: str | None, histories: Sequence[History]) -> str:
    style = session.style()
    return render_histories(histories, style) if watcher is None else render_history(histories[0], style)


stats = _made()
