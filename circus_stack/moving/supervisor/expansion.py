"""supervisord's `%(name)s` in the words of our ini. Pure.

What comes out is written for the ini: a plain % doubled, `%(ENV_X)s` left as it is, since the ini knows it too, and
everything else replaced by its value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from circus_stack.config.document import Entry
from circus_stack.config.problems import Problems
from circus_stack.moving.draft import written

_VARIABLE = re.compile(
    r"%(?:%|\((?P<name>[^()]+)\)(?P<form>[#0\- +]*\d*(?:\.\d+)?[diouxXsr])|(?P<wrong>.?))", re.DOTALL
)


class Wid:
    """Stands for %(process_num)d where the place of the process in our watcher is the same number."""


WID = Wid()
# In place of it where the number would have to be written otherwise, such as with a leading zero.
IMPOSSIBLE = "\0"


def expand(
    entry: Entry, values: Mapping[str, object], environment: Mapping[str, str], problems: Problems, *, title: str
) -> str:
    """The value of an entry, written for the ini. `environment` are variables that the file itself sets, written."""

    def replace(match: re.Match[str]) -> str:
        if match[0] == "%%":
            return "%%"
        name = match["name"]
        if name is None:
            return refuse(match[0], "a % is written %%")
        if name.startswith("ENV_"):
            return environment.get(name.removeprefix("ENV_"), f"%({name})s")
        if name == "here":
            return written(str(Path(entry.where.file).parent))
        if name not in values:
            return refuse(match[0], ", ".join(f"%({each})s" for each in values))
        return _formatted(values[name], match["form"])

    def refuse(found: str, legal: str) -> str:
        message = "is no variable that can be replaced"
        problems.add(message, entry.where, section=title, option=entry.key, found=found, legal=legal)
        return ""

    return _VARIABLE.sub(replace, entry.value)


def _formatted(value: object, form: str) -> str:
    if value is WID:
        return "$(circus.wid)" if form in ("d", "s", "i") else IMPOSSIBLE
    if isinstance(value, int) and form[-1] not in "sr":
        return written(f"%{form}" % value)
    return written(f"%{form}" % (str(value),)) if form[-1] in "sr" else written(str(value))
