"""A plugin's configuration: the texts of its section as values, each checked when it is read. Pure."""

from __future__ import annotations

import math
import re
import signal
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from circus_stack.errors import CircusStackError
from circus_stack.literals import parse_bool, parse_whole

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGTPE]?)(?:I?B)?", re.IGNORECASE)
_POWERS = {unit: 1024**power for power, unit in enumerate(("", "K", "M", "G", "T", "P", "E"))}
_SEPARATOR = ":::"
# Keys that the base class reads, or that every section of a plugin may have.
_EVERYBODYS = frozenset({"active", "name", "priority", "use"})


class PluginConfigError(CircusStackError):
    """A plugin's configuration has a mistake; the text names plugin, option, what was found and what is legal. `key` is
    the option, where there is one."""

    def __init__(self, text: str, key: str = "") -> None:
        super().__init__(text)
        self.key = key


class PluginOptions:
    """The options of one plugin. Each method gives the value of one option, or `default` where it is not set."""

    def __init__(self, plugin: str, config: Mapping[str, Any]) -> None:
        self._plugin = plugin
        self._config = config
        self._known: set[str] = set()

    def text(self, key: str, default: str | None = None) -> str | None:
        """Any text; an empty one counts as not set."""
        self._known.add(key)
        value = self._config.get(key)
        return default if value is None or str(value) == "" else str(value)

    def flag(self, key: str, default: bool) -> bool:
        """Circus's booleans."""
        text = self.text(key)
        try:
            return default if text is None else parse_bool(text)
        except ValueError:
            raise self.mistake(key, "yes, true, on, 1, no, false, off or 0") from None

    def whole(self, key: str, default: int, *, least: int = 0, most: float = math.inf) -> int:
        """A whole number from `least` to `most`."""
        text = self.text(key)
        try:
            return default if text is None else parse_whole(text, least, most)
        except ValueError:
            bounds = f"{least} or more" if most == math.inf else f"{least} to {most:.0f}"
            raise self.mistake(key, f"a whole number, {bounds}") from None

    def number(self, key: str, default: float, *, above: float | None = None, most: float = math.inf) -> float:
        """A finite number: 0 or more, or more than `above`, and `most` at most."""
        found = self.maybe_number(key, above=above, most=most)
        return default if found is None else found

    def maybe_number(self, key: str, *, above: float | None = None, most: float = math.inf) -> float | None:
        """The same; None where it is not set."""
        text = self.text(key)
        if text is None:
            return None
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if math.isfinite(value) and (value >= 0 if above is None else value > above) and value <= most:
            return value
        bounds = "0 or more" if above is None else f"more than {above:g}"
        raise self.mistake(key, f"a number, {bounds}" + ("" if most == math.inf else f", {most:g} at most"))

    def share_or_bytes(self, key: str) -> tuple[float | None, int | None]:
        """Percent (`90`) or bytes (`512M`): (percent, None), (None, bytes), or (None, None) where it is not set."""
        text = self.text(key)
        if text is None:
            return None, None
        try:
            return self.maybe_number(key), None
        except PluginConfigError:
            pass
        try:
            return None, parse_size(text)
        except ValueError:
            raise self.mistake(key, "percent (90) or a number of bytes with its unit (512K, 300M, 2G)") from None

    def signal(self, key: str, default: int | None) -> int | None:
        """`15`, `TERM` or `SIGTERM` as its number."""
        text = self.text(key)
        if text is None:
            return default
        try:
            return parse_signal(text)
        except ValueError:
            raise self.mistake(key, "a signal's name or number: TERM, SIGHUP, 10") from None

    def pattern(self, key: str, default: str, *, groups: tuple[str, ...] = ()) -> re.Pattern[str]:
        """A regular expression that has the named groups."""
        text = self.text(key, default) or default
        try:
            compiled = re.compile(text)
        except re.error as error:
            raise self.mistake(key, f"a regular expression ({error})") from None
        missing = [group for group in groups if group not in compiled.groupindex]
        if missing:
            raise self.mistake(key, f"a regular expression with the group (?P<{missing[0]}>...)")
        return compiled

    def mistake(self, key: str, legal: str) -> PluginConfigError:
        """The error for a value that is not legal."""
        text = f"{self._plugin}: {key}: found {self._config.get(key)!r}; legal: {legal}"
        return PluginConfigError(text, key)

    def misspelt(self, watcher_keys: frozenset[str] = frozenset()) -> list[str]:
        """A warning for each key that nobody has asked for and that resembles one; `watcher_keys` are others' keys."""
        unknown = [key for key in self._config if key not in self._known | _EVERYBODYS | watcher_keys]
        found = [(key, get_close_matches(key, self._known, n=1, cutoff=0.75)) for key in unknown]
        return [f"{self._plugin}: {key} is no option of it; did you mean {near[0]!r}?" for key, near in found if near]


def parse_size(text: str) -> int:
    """`512`, `300M`, `1.5G`, `2 GiB` -> bytes, by 1024. Raises ValueError."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError("not a size")
    return int(float(match[1]) * _POWERS[match[2].upper()])


def parse_signal(text: str) -> int:
    """`10`, `KILL` or `SIGKILL` -> its number. Raises ValueError for a signal that doesn't exist."""
    word = text.strip().upper()
    if word.isdigit():
        return int(signal.Signals(int(word)))
    found = getattr(signal, word if word.startswith("SIG") else f"SIG{word}", None)
    if not isinstance(found, signal.Signals):
        raise ValueError("unknown signal")
    return int(found)


def parse_config(text: str) -> dict[str, str]:
    """`key:value:::key:value`, Circus's form on the command line. Raises PluginConfigError."""
    config = {}
    for item in filter(None, text.split(_SEPARATOR)):
        key, colon, value = item.partition(":")
        if not colon or not key.strip():
            raise PluginConfigError(f"--config: found {item!r}; legal: KEY:VALUE:::KEY:VALUE")
        config[key.strip()] = value.strip()
    return config
