"""What can go wrong before a server serves. Each error carries the exit status of the program and one clear message."""

from __future__ import annotations

import sys

EXIT_LOAD = 1
EXIT_USAGE = 2


class ChaussetteError(Exception):
    """Anything that stops a start. `status` is the exit status of the program."""

    status = EXIT_USAGE


class UsageError(ChaussetteError):
    """An option or an argument is wrong; nothing has been bound or imported for it."""


class SocketError(ChaussetteError):
    """A listening socket could not be made or taken over."""

    status = EXIT_LOAD


class AppLoadError(ChaussetteError):
    """The application could not be had. `traceback_text` is the app's own traceback where its code raised, else ''."""

    status = EXIT_LOAD

    def __init__(self, message: str, traceback_text: str = "") -> None:
        super().__init__(message)
        self.traceback_text = traceback_text


class RequestTimedOut(BaseException):
    """Raised inside a request that has had its time. No Exception: an application must not take it for one of its own
    and go on."""


class BackendError(ChaussetteError):
    """A backend is not known, or its library is not installed. The message holds the command that installs it."""


def report(error: ChaussetteError) -> int:
    """Print what went wrong, after the app's own traceback where its code raised; the exit status."""
    if isinstance(error, AppLoadError) and error.traceback_text:
        print(error.traceback_text, file=sys.stderr)  # noqa: T201 - the program's own output
    print(f"chaussette: {error}", file=sys.stderr)  # noqa: T201
    return error.status
