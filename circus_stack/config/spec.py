"""What a person may serve, as written on a command line: a file with a name and variables, or an application. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qsl

from msgspec import Struct, field

_MODULE = r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*"
_APP = re.compile(rf"{_MODULE}(?::{_MODULE}(?:\(.*\))?)?", re.DOTALL)
_FILE_ENDINGS = (".ini", ".cfg", ".conf", ".toml", ".py", ".yml", ".yaml")

LEGAL_APP = "module:callable, module.callable or module:factory()"


class FileTarget(Struct, frozen=True):
    """`app.ini`, `app.ini#name`, `app.ini?k=v`: a file, the application's name in it, variables."""

    path: Path
    app_name: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)


def parse_target(text: str) -> FileTarget | None:
    """The file that a command-line argument means, or None where it is an application such as `mod:app`.

    `config:` and `paste:` in front are taken off. `#name` and `?k=v` may stand in either order.
    """
    rest, is_file = text, False
    for scheme in ("config:", "paste:"):
        if rest.startswith(scheme):
            rest, is_file = rest[len(scheme) :], True
    if Path(rest).is_file():
        return FileTarget(Path(rest))
    name, query = "", ""
    for part in re.findall(r"[#?][^#?]*", rest):
        if part[0] == "#":
            name = part[1:]
        else:
            query = part[1:]
    path = re.split(r"[#?]", rest, maxsplit=1)[0]
    if not (is_file or looks_like_file(path)):
        return None
    return FileTarget(Path(path), name or None, dict(parse_qsl(query, keep_blank_values=True)))


def looks_like_file(text: str) -> bool:
    """Whether a text is rather a misspelt file than an application."""
    return "/" in text or text.endswith(_FILE_ENDINGS) or Path(text).exists()


def is_application(text: str) -> bool:
    """Whether a text has the form of an application; `app.ini` has not, although it might be a callable of a module."""
    is_dotted = "." in text or ":" in text
    return is_dotted and not text.endswith(_FILE_ENDINGS) and _APP.fullmatch(text.strip()) is not None
