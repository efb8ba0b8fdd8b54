"""How many processes each line of a Procfile has: `web=2,worker=3`, as honcho and foreman take it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from circus_stack.literals import MAX_PROCESSES, parse_whole

LEGAL = "NAME=N,NAME=N; all=N for those that are not named"


def parse_formation(text: str, names: Iterable[str]) -> Mapping[str, int]:
    """Name -> number, for each of `names`. Raises ValueError with a reason."""
    known = tuple(names)
    found: dict[str, int] = {}
    usual = 1
    for item in filter(None, (each.strip() for each in text.split(","))):
        name, equals, number = item.partition("=")
        if not equals:
            raise ValueError(f"{item!r} is not of the form NAME=N")
        try:
            count = parse_whole(number, 0, MAX_PROCESSES)
        except ValueError:
            raise ValueError(f"{number!r} is no number of processes") from None
        if name == "all":
            usual = count
        elif name in known:
            found[name] = count
        else:
            raise ValueError(f"there is no process {name!r}; the file has {', '.join(known)}")
    return {name: found.get(name, usual) for name in known}
