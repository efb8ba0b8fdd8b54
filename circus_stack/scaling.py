"""The words of autoscaling: a range of numbers, and the condition that a watcher wants more or fewer processes. Pure.

The reader of a configuration checks them, and the autoscaler reads them again out of an arbiter's options: as text they
are the same in both places. Nothing here decides; a parser raises ValueError, a condition's ConditionError.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from circus_stack.literals import MAX_PROCESSES, parse_whole

PERCENT = {"%": 1.0, "percent": 1.0}
UNITS: dict[str, dict[str, float]] = {
    "busy": PERCENT,
    "backlog": {"": 1.0},
    "cpu": PERCENT,
    "memory": PERCENT,
    "p99": {"ms": 1.0, "s": 1000.0},
}
"""What may be compared, and the units it may have, each with its factor: percent, connections, milliseconds. The first
is what figures are measured in. Beside the sign stands the word, since a Paste file may have to write it twice."""

# Characters of a condition: more than anybody has to say, and little enough to be read in no time.
MAX_CONDITION = 1000

_RANGE = re.compile(r"\s*(\d{1,9})\s*\.\.\s*(\d{1,9})\s*", re.ASCII)
_COMPARISON = re.compile(
    r"(?P<figure>[A-Za-z_]\w*)\s*(?P<sign>[<>]=?)\s*(?P<number>\d{1,12}(?:\.\d{1,6})?)\s*"
    # A word that joins follows where no unit does.
    r"(?P<unit>%|(?!(?:and|or)\b)[A-Za-z]*)",
    re.ASCII | re.IGNORECASE,
)
_WORD = re.compile(r"\S+")
_SPACE = re.compile(r"\s*")
_SHAPE = "'FIGURE > NUMBER' or 'FIGURE < NUMBER', such as 'busy > 80%'"


class ScaleRange(Struct, frozen=True):
    """From how few to how many processes a watcher may be taken without anybody's word; both included."""

    least: int
    most: int

    def __contains__(self, number: int) -> bool:
        return self.least <= number <= self.most

    def clamp(self, number: int) -> int:
        """The number, or the end of the range that is nearer to it."""
        return min(max(number, self.least), self.most)

    def __str__(self) -> str:
        return f"{self.least}..{self.most}"


def is_range(text: str) -> bool:
    """Whether a text is meant as a range, right or wrong."""
    return ".." in text


def parse_range(text: str) -> ScaleRange:
    """`2..16`. Raises ValueError."""
    match = _RANGE.fullmatch(text)
    if match is None:
        raise ValueError("not a range")
    least = parse_whole(match[1], 1, MAX_PROCESSES)
    return ScaleRange(least, parse_whole(match[2], least, MAX_PROCESSES))


class ConditionError(ValueError):
    """A condition that cannot be read. `message` has the column, which counts from 1; `legal` says what would be right
    there."""

    def __init__(self, message: str, *, column: int, legal: str) -> None:
        self.message = f"{message} in column {column}"
        self.column = column
        self.legal = legal
        super().__init__(self.message)


class Comparison(Struct, frozen=True):
    """One figure against one number; the number has the unit that figures are measured in."""

    figure: str
    sign: str
    number: float

    def holds(self, figures: Mapping[str, float]) -> bool | None:
        """Whether it is so; None where nobody knows the figure."""
        found = figures.get(self.figure)
        if found is None:
            return None
        if found == self.number:
            return self.sign.endswith("=")
        return (found > self.number) == self.sign.startswith(">")

    def __str__(self) -> str:
        return f"{self.figure} {self.sign} {figure_text(self.figure, self.number)}"


class Condition(Struct, frozen=True):
    """Alternatives, in each of which all comparisons must hold: `and` binds closer than `or`."""

    alternatives: tuple[tuple[Comparison, ...], ...]

    def holds(self, figures: Mapping[str, float]) -> bool | None:
        """Whether it is so; None where that depends on a figure that nobody knows."""
        verdicts = [_all_hold(each, figures) for each in self.alternatives]
        if True in verdicts:
            return True
        return None if None in verdicts else False

    def reason(self, figures: Mapping[str, float]) -> str:
        """What holds, with the figures as they are: `busy 93% > 80%`; empty where the condition doesn't hold."""
        found = next((each for each in self.alternatives if _all_hold(each, figures)), ())
        return " and ".join(_with_figure(each, figures[each.figure]) for each in found)

    def missing(self, figures: Mapping[str, float]) -> tuple[str, ...]:
        """What the condition asks for and nobody knows, in alphabetical order."""
        return tuple(sorted(self.figures - figures.keys()))

    @property
    def figures(self) -> frozenset[str]:
        """What it asks for."""
        return frozenset(one.figure for each in self.alternatives for one in each)

    def __str__(self) -> str:
        return " or ".join(" and ".join(map(str, each)) for each in self.alternatives)


def _all_hold(comparisons: tuple[Comparison, ...], figures: Mapping[str, float]) -> bool | None:
    verdicts = [each.holds(figures) for each in comparisons]
    if False in verdicts:
        return False
    return None if None in verdicts else True


def _with_figure(comparison: Comparison, figure: float) -> str:
    name, sign = comparison.figure, comparison.sign
    return f"{name} {figure_text(name, round(figure, 1))} {sign} {figure_text(name, comparison.number)}"


def figure_text(figure: str, number: float) -> str:
    """A number with the unit of that figure."""
    digits = str(int(number)) if float(number).is_integer() else f"{number:f}".rstrip("0")
    return digits + next(iter(UNITS[figure]))


def parse_condition(text: str) -> Condition:
    """`text` as a condition. Raises ConditionError."""
    if len(text) > MAX_CONDITION:
        raise ConditionError("is too long", column=MAX_CONDITION + 1, legal=f"{MAX_CONDITION} characters at most")
    alternatives: list[list[Comparison]] = [[]]
    at = _after_space(text, 0)
    while True:
        comparison, at = _comparison(text, at)
        alternatives[-1].append(comparison)
        at = _after_space(text, at)
        if at == len(text):
            return Condition(tuple(tuple(each) for each in alternatives))
        word = _word(text, at)
        if word.lower() not in ("and", "or"):
            raise ConditionError(f"{word!r} cannot follow a comparison", column=at + 1, legal="and, or")
        if word.lower() == "or":
            alternatives.append([])
        at = _after_space(text, at + len(word))


def _comparison(text: str, at: int) -> tuple[Comparison, int]:
    found = _COMPARISON.match(text, at)
    if found is None:
        what = f"{_word(text, at)!r} begins no comparison" if at < len(text) else "a comparison is missing"
        raise ConditionError(what, column=at + 1, legal=_SHAPE)
    figure, unit = found["figure"].lower(), found["unit"].lower()
    if figure not in UNITS:
        raise ConditionError(f"there is no figure {figure!r}", column=at + 1, legal=", ".join(UNITS))
    if not unit and "" not in UNITS[figure]:
        legal = f"{found['number']}{next(iter(UNITS[figure]))}, the units are {' and '.join(UNITS[figure])}"
        raise ConditionError(f"{figure} needs a unit", column=found.end("number") + 1, legal=legal)
    if unit not in UNITS[figure]:
        legal = " or ".join(known or "no unit" for known in UNITS[figure])
        raise ConditionError(f"{unit!r} is no unit of {figure}", column=found.start("unit") + 1, legal=legal)
    return Comparison(figure, found["sign"], float(found["number"]) * UNITS[figure][unit]), found.end()


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _word(text: str, at: int) -> str:
    found = _WORD.match(text, at)
    return found[0] if found else ""
