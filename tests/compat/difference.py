"""One intended difference: what each side does, why, and where a comparison meets it."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from tests.compat.compare import Deviation


@dataclass(frozen=True)
class Seen:
    """Where two things compared differ: things by title, deviations by `kind path`; both may be patterns. `suite` is
    the comparison: replies of the script, or what comes of an ini."""

    titles: tuple[str, ...]
    deviations: tuple[str, ...]
    suite: str = "replies"

    def covers(self, suite: str, title: str, deviation: Deviation) -> bool:
        return (
            suite == self.suite
            and any(fnmatchcase(title, each) for each in self.titles)
            and any(fnmatchcase(deviation.key, each) for each in self.deviations)
        )


@dataclass(frozen=True)
class Difference:
    """One row of the page. Without `seen`, a test of its own shows it, and calls `intended(name)`."""

    name: str
    circus: str
    here: str
    reason: str
    seen: tuple[Seen, ...] = ()
