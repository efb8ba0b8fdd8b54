"""Which watchers a client means by a name, a pattern or a regular expression. Pure."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence

from circus_stack.errors import CommandError, UnknownWatcherError

# A longer regular expression means no watcher. This bounds its size, not its time: a short one that backtracks, such as
# (\w+)+!, can hold up the arbiter as long as its sender likes, who might as well have sent `quit`.
_MAX_PATTERN = 200


def match_names(names: Sequence[str], pattern: str, method: str) -> tuple[str, ...]:
    """The names that `pattern` means, in any case. `method` is simple, glob or regex.

    Raises UnknownWatcherError if there is none, CommandError for what is no regular expression.
    """
    wanted = pattern.lower()
    exact = tuple(name for name in names if name.lower() == wanted)
    if exact or method == "simple":
        found = exact
    elif method == "glob":
        found = tuple(name for name in names if fnmatch.fnmatchcase(name.lower(), wanted))
    else:
        expression = _compile(pattern)
        found = tuple(name for name in names if expression.match(name))
    if not found:
        raise UnknownWatcherError(pattern)
    return found


def _compile(pattern: str) -> re.Pattern[str]:
    if len(pattern) > _MAX_PATTERN:
        raise CommandError(f"the regular expression is longer than {_MAX_PATTERN} characters")
    try:
        return re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise CommandError(f"{pattern!r} is not a regular expression: {error}") from None
