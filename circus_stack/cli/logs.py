"""`circus-stack logs`: the last lines that the stack's processes wrote, and what they write from now on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import BinaryIO, cast

import click

from circus_stack.cli import ansi
from circus_stack.cli.printer import Prefixes
from circus_stack.cli.remote import remote, stack_option, stdout_style, target_of
from circus_stack.cli.style import Style
from circus_stack.cli.target import Target
from circus_stack.client.call import TIMEOUT_S
from circus_stack.client.liveness import is_alive
from circus_stack.client.loglines import LogJoin, LogRecord
from circus_stack.client.subscriber import LOGS_QUEUE, Subscriber
from circus_stack.client.sync import Client
from circus_stack.protocol.commands import MAX_LINES
from circus_stack.protocol.topics import log_prefix
from circus_stack.streams.block import Origin, StreamName

# How often a follower looks whether the stack still lives: nobody tells a subscriber that its publisher is gone.
_LOOK_S = 1.0


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("watcher", required=False)
@click.argument("pid", required=False, type=click.IntRange(min=1))
@click.option("-f", "--follow", is_flag=True, help="Go on with what is written from now on; Ctrl-C ends it.")
@click.option(
    "-n",
    "--lines",
    type=click.IntRange(0, MAX_LINES),
    default=100,
    show_default=True,
    metavar="N",
    help="How many of the last lines; the stack keeps 1,000 a watcher.",
)
@stack_option
@remote
def logs(watcher: str | None, pid: int | None, follow: bool, lines: int, stack_name: str | None) -> None:
    """Show what the processes of the running stack wrote: of all, of one WATCHER, or of one PID of it.

    \b
    circus-stack logs
    circus-stack logs -f web
    circus-stack logs -n 500 web 4711
    """
    target = target_of(stack_name)
    style = stdout_style()
    with Client(target.endpoint) as client:
        watchers = client.call("status", extended=True).get("watchers", {})
        show = _printer(style, {name: each["wanted"] for name, each in watchers.items()})
        join = LogJoin(watcher, pid)
        if not follow:
            show(_snapshot(client, join, watcher, pid, lines))
            return
        topics = [log_prefix(watcher, pid)]
        with Subscriber(target.logs_endpoint(TIMEOUT_S), topics, queue_length=LOGS_QUEUE) as subscriber:
            # Only once the publisher knows of us: a line written between the two would be in neither.
            subscriber.join(TIMEOUT_S)
            show(_snapshot(client, join, watcher, pid, lines))
            _follow(subscriber, join, target, show)


def _snapshot(client: Client, join: LogJoin, watcher: str | None, pid: int | None, lines: int) -> list[LogRecord]:
    return join.snapshot(client.call("logs", name=watcher, pid=pid, limit=lines)["lines"])


def _follow(subscriber: Subscriber, join: LogJoin, target: Target, show: Callable[[Iterable[LogRecord]], None]) -> None:
    while True:
        message = subscriber.receive(_LOOK_S)
        if message is not None:
            show(join.follow(message[1]))
        elif target.stack is not None and not is_alive(target.stack.paths):
            return


def _printer(style: Style, counts: dict[str, int]) -> Callable[[Iterable[LogRecord]], None]:
    """Prints lines as `serve` does: each with the name of its process, in that one's colour on a terminal."""
    prefixes = Prefixes({"stdout": style, "stderr": style}, counts)
    out: BinaryIO = sys.stdout.buffer

    def show(records: Iterable[LogRecord]) -> None:
        for record in records:
            if record.is_after_gap:
                sys.stderr.write("circus-stack: lines are missing here: they came faster than they could be shown\n")
            out.write(_render(record, prefixes, style))
        out.flush()

    return show


def _render(record: LogRecord, prefixes: Prefixes, style: Style) -> bytes:
    origin = Origin(record.watcher, record.wid, record.pid, cast("StreamName", record.stream))
    text = ansi.make_safe(record.text) if style.is_terminal else record.text
    prefix = prefixes.of(origin) if record.watcher else b""
    return prefix + text.encode() + b"\n"
