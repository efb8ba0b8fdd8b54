"""From one request to one line of the access log. Pure but for a cache of the second's text.

What a client chose can neither end a line nor leave its quotes: everything but printable ASCII, quotes and backslashes
is written as \\xHH or \\uHHHH, and long values are cut.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from chaussette.values import COMBINED

JSON = "json"
_COMBINED = '{remote_addr} - {user} [{time}] "{method} {target} {protocol}" {status} {bytes} "{referer}" "{user_agent}"'
_FIELD = re.compile(r"\{([a-z_]+(?::[A-Za-z0-9-]+)?)\}")
_UNSAFE = re.compile(r"[^\x20\x21\x23-\x5b\x5d-\x7e]")
# Of a value, and of a target, as much as is written.
_MOST_VALUE, _MOST_TARGET = 512, 2048
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_HEADER = "header:"


@dataclass(frozen=True, slots=True)
class Entry:
    """One request that is over. `at` is the time of day of its end, `took_s` its seconds, `queued_s` those from
    X-Request-Start to its begin, None where that is not known. `status` is the whole line."""

    environ: Mapping[str, Any]
    status: str
    size: int
    at: float
    took_s: float
    queued_s: float | None
    request_id: str
    pid: int

    def variable(self, name: str) -> str:
        """Text of the environ, '' where there is none, cut where it is long."""
        return str(self.environ.get(name, ""))[:_MOST_VALUE]


@lru_cache(2)
def _log_time(second: int) -> str:
    """As Apache writes it, in English whatever the locale is."""
    local = time.localtime(second)
    sign, offset = ("-", -local.tm_gmtoff) if local.tm_gmtoff < 0 else ("+", local.tm_gmtoff)
    zone = f"{sign}{offset // 3600:02d}{offset % 3600 // 60:02d}"
    day = f"{local.tm_mday:02d}/{_MONTHS[local.tm_mon - 1]}/{local.tm_year}"
    return f"{day}:{local.tm_hour:02d}:{local.tm_min:02d}:{local.tm_sec:02d} {zone}"


def _target(entry: Entry) -> str:
    query = entry.environ.get("QUERY_STRING", "")
    path = entry.environ.get("SCRIPT_NAME", "") + entry.environ.get("PATH_INFO", "")
    return f"{path}?{query}" if query else path


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)


_FIELDS: dict[str, Callable[[Entry], str | int | float | None]] = {
    "remote_addr": lambda entry: entry.variable("REMOTE_ADDR"),
    "user": lambda entry: entry.variable("REMOTE_USER"),
    "time": lambda entry: _log_time(int(entry.at)),
    "method": lambda entry: entry.variable("REQUEST_METHOD"),
    "scheme": lambda entry: entry.variable("wsgi.url_scheme"),
    "host": lambda entry: entry.variable("HTTP_HOST"),
    "target": lambda entry: _target(entry)[:_MOST_TARGET],
    "protocol": lambda entry: entry.variable("SERVER_PROTOCOL"),
    "status": lambda entry: int(entry.status[:3]) if entry.status[:3].isdecimal() else None,
    "bytes": lambda entry: entry.size,
    "referer": lambda entry: entry.variable("HTTP_REFERER"),
    "user_agent": lambda entry: entry.variable("HTTP_USER_AGENT"),
    "duration_ms": lambda entry: _milliseconds(entry.took_s),
    "queue_ms": lambda entry: None if entry.queued_s is None else _milliseconds(entry.queued_s),
    "request_id": lambda entry: entry.request_id,
    "pid": lambda entry: entry.pid,
}
FIELD_NAMES = tuple(_FIELDS)

Line = Callable[[Entry], str]


def line_of(format: str) -> Line:
    """What makes a line, without its end: `combined`, `json`, or a text with {field} and {header:Name} in it.

    Raises ValueError for a field that does not exist.
    """
    if format == JSON:
        return _json_line
    parts = _parts(_COMBINED if format == COMBINED else format)
    return lambda entry: "".join(part if isinstance(part, str) else _shown(part(entry)) for part in parts)


def escaped(text: str) -> str:
    """`text` as it may stand within quotes, and within a line."""
    return _UNSAFE.sub(_code, text) if _UNSAFE.search(text) else text


def _parts(format: str) -> list[str | Callable[[Entry], Any]]:
    parts: list[str | Callable[[Entry], Any]] = []
    for index, piece in enumerate(_FIELD.split(format)):
        if index % 2:
            parts.append(_field(piece))
        elif "{" in piece or "}" in piece:
            raise ValueError(f"{piece!r}: a field is written as {{name}} or {{header:Name}}; {_legal()}")
        elif _UNSAFE.search(piece.replace('"', "").replace("\\", "").replace("\t", "")):
            raise ValueError(f"{piece!r}: printable ASCII is needed between the fields")
        elif piece:
            parts.append(piece)
    return parts


def _field(name: str) -> Callable[[Entry], Any]:
    if name.startswith(_HEADER):
        key = name.removeprefix(_HEADER).upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        return lambda entry: entry.variable(key)
    if name not in _FIELDS:
        raise ValueError(f"there is no field {name!r}; {_legal()}")
    return _FIELDS[name]


def _legal() -> str:
    return f"fields are {', '.join(FIELD_NAMES)} and header:Name"


def _shown(value: str | float | None) -> str:
    if value is None or value == "":
        return "-"
    return escaped(value) if isinstance(value, str) else str(value)


def _json_line(entry: Entry) -> str:
    found = {name: field(entry) for name, field in _FIELDS.items()}
    found["time"] = _iso_time(entry.at)
    return json.dumps(found, separators=(",", ":"))


def _code(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def _iso_time(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at % 1 * 1000):03d}Z"
