"""Which watchers a client means by a name, a pattern or a regular expression. Pure.

Regular expressions are RE2's: whatever a client sends takes time in proportion to the names, and bounded memory.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Sequence

from circus_stack.errors import CommandError, Errno, UnknownWatcherError

# A longer pattern means no watcher.
_MAX_PATTERN = 200
# Glob patterns become regular expressions of Python's, which go back for each star; more of them mean nothing more.
_MAX_STARS = 5
# What RE2 may use for one expression, in bytes.
_MAX_MEMORY = 1024 * 1024


def match_names(names: Sequence[str], pattern: str, method: str) -> tuple[str, ...]:
    """The names that `pattern` means, in any case. `method` is simple, glob or regex.

    Raises UnknownWatcherError if there is none, CommandError for what is no regular expression.
    """
    wanted = pattern.lower()
    exact = tuple(name for name in names if name.lower() == wanted)
    if exact or method == "simple":
        found = exact
    else:
        is_match = _glob(wanted) if method == "glob" else _expression(pattern)
        found = tuple(name for name in names if is_match(name))
    if not found:
        raise UnknownWatcherError(pattern)
    return found


def _glob(wanted: str) -> Callable[[str], bool]:
    if len(wanted) > _MAX_PATTERN or wanted.count("*") > _MAX_STARS:
        raise CommandError(f"the pattern has more than {_MAX_PATTERN} characters, or more than {_MAX_STARS} stars")
    return lambda name: fnmatch.fnmatchcase(name.lower(), wanted)


def _expression(pattern: str) -> Callable[[str], bool]:
    if len(pattern) > _MAX_PATTERN:
        raise CommandError(f"the regular expression is longer than {_MAX_PATTERN} characters")
    # Here, since few clients send one.
    import re2

    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = _MAX_MEMORY
    try:
        expression = re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError) as error:
        # Circus, too, has this errno for it.
        text = f"{pattern!r} is not a regular expression of RE2: {_reason(error)}"
        raise CommandError(text, Errno.COMMAND_ERROR) from None
    return lambda name: expression.match(name) is not None


def _reason(error: Exception) -> str:
    first = error.args[0] if error.args else ""
    return first.decode("utf-8", "replace") if isinstance(first, bytes) else str(error)
