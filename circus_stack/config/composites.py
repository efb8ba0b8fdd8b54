"""The keys of a watcher that fill a field together: `stdout_stream.*`, `hooks.*`, `rlimit_*`, `env`. Pure."""

from __future__ import annotations

import re
import resource

from circus_stack.config.values import UNLIMITED, HookConfig
from circus_stack.literals import parse_bool, parse_whole

STREAMS = ("stdout_stream", "stderr_stream")
# Circus: a filename alone means a file.
FILE_SINK = "FileStream"
HOOK_PREFIX = "hooks."
RLIMIT_PREFIX = "rlimit_"

HOOKS = (
    "before_start",
    "after_start",
    "before_spawn",
    "after_spawn",
    "before_signal",
    "after_signal",
    "before_stop",
    "after_stop",
    "before_reap",
    "after_reap",
    "extended_stats",
)

SECRET_EXAMPLE = "env.NAME_file"
LEGAL_SECRET = "the path of a file whose content is the value"
LEGAL_ENV = "NAME=VALUE,NAME=VALUE"
LEGAL_RLIMIT = "a whole number, 0 or more, SOFT:HARD, infinity, -1, or nothing for no limit"
LEGAL_HOOK = "MODULE.CALLABLE, or MODULE.CALLABLE,True for one whose failure is ignored"

_SECRET = re.compile(r"env\.([A-Za-z_][A-Za-z0-9_]*)_file")
_ENV_SEPARATOR = re.compile(r"[,\n]")
_INFINITY = ("", "-1", "infinity", "unlimited")
_MAX_LIMIT = 2**63 - 1
_NAME = r"[^\W\d]\w*"
_CALLABLE = re.compile(rf"{_NAME}(\.{_NAME})*[.:]{_NAME}(\.{_NAME})*")


def rlimit_names() -> tuple[str, ...]:
    """The limits that this system has, as files write them: `nofile`."""
    return tuple(name.removeprefix("RLIMIT_").lower() for name in dir(resource) if name.startswith("RLIMIT_"))


def parse_env(text: str) -> dict[str, str]:
    """`NAME=VALUE,NAME=VALUE`, also on lines of their own; raises ValueError with the first item that is none."""
    found: dict[str, str] = {}
    for item in filter(None, map(str.strip, _ENV_SEPARATOR.split(text))):
        name, equals, value = item.partition("=")
        if not equals or not name.strip():
            raise ValueError(item)
        found[name.strip()] = value.strip()
    return found


def secret_name(key: str) -> str | None:
    """The variable whose value is in a file: `DB_PASSWORD` of the key `env.DB_PASSWORD_file`; None for another key."""
    found = _SECRET.fullmatch(key)
    return None if found is None else found[1]


def secret_key(name: str) -> str:
    """The key that `secret_name` reads."""
    return f"env.{name}_file"


def parse_secret(text: str) -> str:
    """The path; raises ValueError for none, and for one of several lines."""
    path = text.strip()
    if not path or "\n" in path:
        raise ValueError("no path")
    return path


def parse_rlimit(text: str) -> tuple[int, int]:
    """Soft and hard limit; one number stands for both, as in Circus. Raises ValueError."""
    soft, colon, hard = text.partition(":")
    found = _limit(soft), _limit(hard if colon else soft)
    if found[1] != UNLIMITED and (found[0] == UNLIMITED or found[0] > found[1]):
        raise ValueError("the soft limit is above the hard one")
    return found


def _limit(text: str) -> int:
    word = text.strip().lower()
    return UNLIMITED if word in _INFINITY else parse_whole(word, 0, _MAX_LIMIT)


def rlimit_text(limit: tuple[int, int]) -> str:
    """As a file writes it."""
    words = ["infinity" if each == UNLIMITED else str(each) for each in limit]
    return words[0] if words[0] == words[1] else ":".join(words)


def parse_hook(text: str) -> HookConfig:
    """`dotted.callable[,ignore_failure]`; raises ValueError."""
    name, comma, ignored = text.partition(",")
    if _CALLABLE.fullmatch(name.strip()) is None:
        raise ValueError("no dotted name")
    return HookConfig(name.strip(), parse_bool(ignored) if comma else False)
