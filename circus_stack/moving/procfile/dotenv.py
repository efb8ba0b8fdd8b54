"""The .env file beside a Procfile, by the rules of honcho: a `NAME=value` a line, quotes as in a shell. Pure."""

from __future__ import annotations

import re
import shlex

from circus_stack.config.problems import Problems
from circus_stack.config.values import Location

_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")


def parse_dotenv(text: str, path: str, problems: Problems) -> dict[str, str]:
    """Name -> value. A line that is no assignment is passed over, as honcho does, but told."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        where = Location(path, number)
        try:
            tokens = list(shlex.shlex(line, posix=True))
        except ValueError as error:
            problems.add("cannot be split into words", where, found=f"{line}: {error}")
            continue
        if not tokens:
            continue
        if len(tokens) < 3 or tokens[1] != "=" or not _NAME.match(tokens[0]):
            problems.warn("is no NAME=value: passed over", where, found=line)
            continue
        found[tokens[0]] = "".join(tokens[2:]).replace(r"\n", "\n").replace(r"\t", "\t")
    return found
