"""Values of options as messages and Python programs carry them: text, numbers, lists, mappings. Pure.

Every function raises ValueError, with a text that says what would be legal, for a value that it doesn't take.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from circus_stack.config import kinds
from circus_stack.config.composites import (
    FILE_SINK,
    LEGAL_ENV,
    LEGAL_HOOK,
    LEGAL_RLIMIT,
    parse_env,
    parse_hook,
    parse_rlimit,
)
from circus_stack.config.option import Option
from circus_stack.config.values import HookConfig, StreamConfig
from circus_stack.literals import MAX_LINE, MAX_TEXT
from circus_stack.scaling import ConditionError

T = TypeVar("T")

# Of a value that is refused, as much as helps to find it.
_SHOWN = 200
_LEGAL_HOOKS = "NAME:MODULE.CALLABLE,NAME:MODULE.CALLABLE"
_LEGAL_STREAM = "a mapping with class, or filename, and the options of the class"


def option_value(option: Option, given: object) -> Any:
    """The value of a declared option; None stands for its default, a list for the words of a text."""
    if given is None:
        return option.default
    kind = option.kind
    if isinstance(given, bool) and kind not in (kinds.BOOL, kinds.OFFER):
        # Neither a number nor a name.
        raise _refused(given, kind.name, kind.legal)
    text = _list_text(option, given) if isinstance(given, list | tuple) else scalar_text(given)
    if len(text) > MAX_LINE:
        raise _refused(text, kind.name, f"{MAX_LINE} characters at most")
    if not text.strip() and option.default is None:
        return None
    try:
        return kind.parse(text)
    except ConditionError as error:
        raise _refused(given, f"{kind.name}: {error.message}", error.legal) from None
    except ValueError:
        raise _refused(given, kind.name, kind.legal) from None


def _list_text(option: Option, given: list[object] | tuple[object, ...]) -> str:
    words = [scalar_text(each) for each in given]
    if option.kind is kinds.TEXT:
        return shlex.join(words)
    return ("\n" if option.kind is kinds.PATHS else " ").join(words)


def scalar_text(given: object) -> str:
    """A text, a number or a boolean as a file writes it; what no process can be given is refused."""
    match given:
        case bool():
            return "true" if given else "false"
        case float() if given.is_integer():
            return str(int(given))
        case int() | float():
            return str(given)
        case str():
            _check_encodable(given)
            return given
        case _:
            raise _refused(given, "value", "a text, a number or a boolean")


def _check_encodable(text: str) -> None:
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        raise _refused(text, "text", "text that can be written in UTF-8") from None
    if len(text) > MAX_TEXT:
        raise _refused(text, "text", f"{MAX_TEXT} characters at most")
    if "\0" in text:
        raise _refused(text, "text", "text without a NUL character")


def env_value(given: object) -> dict[str, str]:
    """Variables, from a mapping or from `NAME=VALUE,NAME=VALUE`."""
    if not isinstance(given, Mapping):
        return _parsed(given, parse_env, "setting of variables", LEGAL_ENV)
    found = {str(name): scalar_text(value) for name, value in given.items()}
    for name in found:
        _check_encodable(name)
        if not name or "=" in name:
            raise _refused(name, "name of a variable", "a name without =")
    return found


def hook_value(given: object) -> HookConfig | None:
    """A hook, from `[callable]`, `[callable, ignore_failure]` or the text of a file; an empty one is None: no hook."""
    if isinstance(given, list | tuple):
        if len(given) not in (1, 2):
            raise _refused(given, "hook", LEGAL_HOOK)
        given = ",".join(scalar_text(each) for each in given)
    if given in (None, ""):
        return None
    return _parsed(given, parse_hook, "hook", LEGAL_HOOK)


def hooks_value(given: object) -> dict[str, HookConfig | None]:
    """Several hooks, from a mapping or from Circus's `name:callable,name:callable`."""
    if isinstance(given, Mapping):
        return {str(name): hook_value(each) for name, each in given.items()}
    found: dict[str, HookConfig | None] = {}
    for item in filter(None, map(str.strip, scalar_text(given).split(","))):
        name, colon, dotted = item.partition(":")
        if not colon:
            raise _refused(given, "list of hooks", _LEGAL_HOOKS)
        found[name.strip()] = hook_value(dotted.strip())
    return found


def rlimit_value(given: object) -> tuple[int, int]:
    """Soft and hard limit, from a number, a pair or the text of a file; None is no limit."""
    if isinstance(given, list | tuple) and len(given) == 2:
        given = ":".join("" if each is None else scalar_text(each) for each in given)
    return _parsed("" if given is None else given, parse_rlimit, "limit", LEGAL_RLIMIT)


def stream_value(given: object) -> StreamConfig | None:
    """A stream, from a mapping with `class` (or only `filename`) and its options; empty or None: none."""
    if given is None or given == "" or given == {}:
        return None
    if not isinstance(given, Mapping):
        raise _refused(given, "stream", _LEGAL_STREAM)
    if callable(given.get("stream")):
        # Circus's {'stream': instance}, from a Python program.
        live: dict[str, Any] = {"stream": given["stream"]}
        return StreamConfig(options=live)
    options = {str(key): scalar_text(value) for key, value in given.items() if value is not None}
    sink = options.pop("class", "") or (FILE_SINK if "filename" in options else "")
    if not sink:
        raise _refused(dict(given), "stream", _LEGAL_STREAM)
    return StreamConfig(sink, options)


def _parsed(given: object, parse: Callable[[str], T], what: str, legal: str) -> T:
    try:
        return parse(scalar_text(given))
    except ValueError:
        raise _refused(given, what, legal) from None


def _refused(given: object, what: str, legal: str) -> ValueError:
    shown = repr(given)
    return ValueError(
        f"{shown if len(shown) <= _SHOWN else shown[:_SHOWN] + '...'} is not a valid {what}; legal: {legal}"
    )
