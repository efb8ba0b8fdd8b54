"""Environment variables in the ini that an import writes: which of the two places can say a value. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from circus_stack.config.values import Location
from circus_stack.moving.draft import Draft, DraftSection, Remark

# What `[env]` replaces by the arbiter's own variables.
_SHELL_NAME = re.compile(r"\$[A-Z]")


def write_environment(draft: Draft, section: DraftSection, pattern: str, variables: Mapping[str, str]) -> None:
    """Set variables, whose values are written already, for the watcher of `section`, which `pattern` names.

    A section `[env:PATTERN]` takes any value but one with `$NAME`; `env = ` takes those, without commas or new lines.
    """
    plain = {name: value for name, value in variables.items() if not _SHELL_NAME.search(value)}
    dollars = {name: value for name, value in variables.items() if name not in plain}
    listed = {name: value for name, value in dollars.items() if "," not in value and "\n" not in value}
    for name in dollars.keys() - listed.keys():
        why = f"the value of {name} holds both $NAME and a comma: no option can say that; set it in the command itself"
        section.remarks.append(Remark(Location(), f"{name} = ...", why))
    if listed:
        section.add("env", ",".join(f"{name}={value}" for name, value in listed.items()))
    for name, value in plain.items():
        draft.section(f"env:{pattern}" if pattern else "env").add(name, value)
