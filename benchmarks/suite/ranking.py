"""The ranking of backends that Circus published in 2012, beside that of a part. Pure."""

from __future__ import annotations

from msgspec import Struct

from .result import Part
from .summary import tables


class Ranked(Struct, frozen=True):
    """`now`: the place among the ones of 2012 that were ranked in the run; None for one that was not."""

    then: int
    name: str
    contestant: str
    now: int | None


# Circus asked for one page, of an application that did little.
_PAGES = ("hello", "pyramid", "app")
# Fastest first: the name of 2012, and who stands for it now.
_OF_2012 = (
    ("Circus+fastgevent", "fastgevent"),
    ("Circus+gevent", "gevent"),
    ("Circus+meinheld", "meinheld"),
    ("Gunicorn+gevent", "gunicorn-gevent"),
    ("Circus+waitress", "waitress"),
)


def ranking(part: Part) -> list[Ranked]:
    """By the first scenario of the part, where that is a page; nothing where fewer than two of 2012 have a rank."""
    found = [each for each in tables(part)[:1] if each.scenario in _PAGES]
    names = [row.entrant for row in found[0].rows if row.rank] if found else []
    ours = [name for name in names if name in dict(_OF_2012).values()]
    if len(ours) < 2:
        return []
    places = {name: place for place, name in enumerate(ours, 1)}
    return [Ranked(then, name, now, places.get(now)) for then, (name, now) in enumerate(_OF_2012, 1)]
