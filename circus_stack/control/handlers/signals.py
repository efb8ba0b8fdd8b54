"""Signals to processes: signal, kill."""

from __future__ import annotations

from circus_stack.config.kinds import SIGNAL, parse_signal
from circus_stack.control.desk import Desk
from circus_stack.control.handlers.answer import Answer, Fields, answer
from circus_stack.errors import CommandError, Errno


def signal(desk: Desk, properties: Fields) -> Fields:
    """Send a signal now; the process is not thereby expected to end."""
    if properties["childpid"] is not None and properties["pid"] is None:
        raise CommandError("message invalid: 'childpid' needs the 'pid' of its parent")
    desk.arbiter.send_signal(
        properties["name"],
        properties["pid"],
        signal_number(properties["signum"]),
        children=properties["children"],
        recursive=properties["recursive"],
        child_pid=properties["childpid"],
    )
    return {}


def kill(desk: Desk, properties: Fields) -> Answer:
    """Ask processes to end, and end them after `graceful_timeout` seconds. A pid that is gone is no error."""
    signum = properties["signum"]
    task = desk.arbiter.kill(
        properties["name"],
        properties["pid"],
        None if signum is None else signal_number(signum),
        properties["graceful_timeout"],
    )
    return answer(desk, task, waiting=properties["waiting"])


def signal_number(text: str) -> int:
    """`TERM`, `SIGTERM`, `15`, `SIGRTMIN+1` -> its number. Raises CommandError."""
    try:
        return parse_signal(text)
    except ValueError:
        # As Circus has it: a number that is none, 0 among them, is a message that is not valid.
        errno = Errno.MESSAGE_ERROR if text.lstrip("-").isdigit() else Errno.COMMAND_ERROR
        raise CommandError(f"message invalid: {text!r} is no signal; legal: {SIGNAL.legal}", errno) from None
