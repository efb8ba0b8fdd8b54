"""The last lines of an arbiter's processes, and those to come, until there are no more."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from circus_stack.cli.log_view import LogView
from circus_stack.client.call import TIMEOUT_S
from circus_stack.client.credentials import Credentials
from circus_stack.client.loglines import LogJoin, LogRecord
from circus_stack.client.subscriber import LOGS_QUEUE, Subscriber
from circus_stack.client.sync import Client
from circus_stack.protocol.topics import log_prefix


class LogQuestion(Struct, frozen=True):
    """Whose lines: of all watchers, of one, of one of its processes; `lines` of what is kept."""

    watcher: str | None
    pid: int | None
    lines: int


def watcher_counts(client: Client) -> dict[str, int]:
    """How many processes each watcher has: the width of the names before the lines. Raises CallError."""
    watchers = client.call("status", extended=True).get("watchers", {})
    return {name: each["wanted"] for name, each in watchers.items()}


def show_last(client: Client, question: LogQuestion, view: LogView) -> None:
    """The lines that are kept. Raises CallError and CommandError."""
    view.show(_snapshot(client, question, LogJoin(question.watcher, question.pid)))


def follow(
    client: Client,
    endpoint: str,
    question: LogQuestion,
    view: LogView,
    complain: Callable[[str], None],
    credentials: Credentials | None = None,
) -> None:
    """The lines that are kept, then what is written, without a hole and without a double.

    Returns, and says so, when the arbiter has ended, also where another is there in its place: the numbers of its lines
    begin anew. Raises CallError and CommandError.
    """
    join = LogJoin(question.watcher, question.pid)
    topics = [log_prefix(question.watcher, question.pid)]
    with Subscriber(endpoint, topics, queue_length=LOGS_QUEUE, reconnects=False, credentials=credentials) as subscriber:
        # Only once the publisher knows of us: a line written between the two would be in neither.
        subscriber.join(TIMEOUT_S)
        view.show(_snapshot(client, question, join))
        while (message := subscriber.receive()) is not None:
            view.show(join.follow(message[1]))
    complain("the arbiter has ended, or the connection to it")


def _snapshot(client: Client, question: LogQuestion, join: LogJoin) -> list[LogRecord]:
    reply = client.call("logs", name=question.watcher, pid=question.pid, limit=question.lines)
    return join.snapshot(reply["lines"])
