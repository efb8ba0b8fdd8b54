"""What somebody who has to choose wants to know of an application, answered from a result. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from ..breaking import Breaking, breaking, steps_of
from ..contestant import CONTESTANTS
from ..quantity import QUANTITIES
from ..result import Entrant, Part, Result
from ..statistics import median
from ..summary import STEPS, Row, tables
from . import words

# Who has this share of the most can do with fewer workers.
_ENOUGH = 0.95


class Answer(Struct, frozen=True):
    """One question of which the result knows something."""

    question: str
    text: str


def answers(result: Result) -> list[Answer]:
    """Of the application that is the user's, or the Pyramid example's; of none where only the suite's own was asked."""
    parts = [each for each in result.parts if each.settings.app != "built-in" and each.kind != "processes"]
    apps = list(dict.fromkeys(each.settings.app for each in parts))
    cpus = result.machine.cpus
    return [each for app in apps for each in _of_app([one for one in parts if one.settings.app == app], cpus)]


def _of_app(parts: Sequence[Part], cpus: int) -> Iterator[Answer]:
    yield from _which_backend(parts)
    yield from _how_many_workers(parts, cpus)
    yield from _how_much_memory(parts)
    yield from _beside_gunicorn(parts)
    yield from _where_it_breaks(parts)


def _served(parts: Sequence[Part]) -> list[tuple[Part, list[Row]]]:
    """The ranked of each part with one number of workers, of its first scenario."""
    alike = [each for each in parts if each.kind == "serve" and len(each.settings.workers) == 1]
    found = [(each, tables(each)) for each in alike]
    return [(part, [row for row in of[0].rows if row.rank]) for part, of in found if of]


def is_ours(name: str) -> bool:
    """Whether a contestant is circus-stack on one of its backends."""
    return name in CONTESTANTS and not CONTESTANTS[name].requirements


def _which_backend(parts: Sequence[Part]) -> Iterator[Answer]:
    for part, rows in _served(parts)[:1]:
        ours = [row for row in rows if is_ours(row.entrant)]
        if not ours or ours[0].rate is None:
            return
        best = ours[0]
        text = f"{best.entrant}: {words.number(best.rate.median)} requests/s"
        text += f" with {_workers(part.settings.workers[0])} and {words.askers(part.settings)}, "
        text += f"p99 {words.number(best.p99_ms)} ms"
        if len(ours) > 1 and ours[1].rate is not None:
            others = [f"{row.entrant} {row.ratio_to(best):.2f} x" for row in ours[1:] if row.rate]
            text += f". Beside it: {', '.join(others)}"
        yield Answer("Which backend?", text + ".")


def _beside_gunicorn(parts: Sequence[Part]) -> Iterator[Answer]:
    for _, rows in _served(parts)[:1]:
        ours = [row for row in rows if is_ours(row.entrant) and row.rate]
        theirs = [row for row in rows if row.entrant.startswith("gunicorn") and row.rate]
        if not ours or not theirs:
            return
        found = [f"{1 / row.ratio_to(ours[0]):.2f} x what {row.entrant} serves" for row in theirs]
        yield Answer("Beside gunicorn?", f"{ours[0].entrant} serves {', '.join(found)}.")


def _how_many_workers(parts: Sequence[Part], cpus: int) -> Iterator[Answer]:
    for part in parts:
        if part.kind != "serve" or len(part.settings.workers) < 2:
            continue
        rates = _rates_by_workers(part)
        said = [text for name, by_workers in rates.items() if (text := _enough(name, by_workers))]
        if said:
            count = len(part.settings.server_cpus or range(cpus))
            where = f" on {count} processor{'s' if count != 1 else ''}"
            yield Answer("How many workers?", f"{'; '.join(said)}{where}.")
            return


def _rates_by_workers(part: Part) -> dict[str, dict[int, float]]:
    found: dict[str, dict[int, float]] = {}
    entrants = {each.name: each for each in part.entrants}
    for row in tables(part)[0].rows if tables(part) else ():
        if row.rank and row.rate:
            entrant = entrants[row.entrant]
            found.setdefault(entrant.contestant, {})[entrant.workers] = row.rate.median
    return found


def _enough(name: str, by_workers: dict[int, float]) -> str:
    if len(by_workers) < 2:
        return ""
    most = max(by_workers.values())
    enough = min(workers for workers, rate in by_workers.items() if rate >= _ENOUGH * most)
    figures = ", ".join(f"{words.number(by_workers[each])}/s with {each}" for each in sorted(by_workers))
    return f"{name}: {enough} ({figures})"


def _how_much_memory(parts: Sequence[Part]) -> Iterator[Answer]:
    said = []
    for part in parts:
        for entrant in part.entrants:
            pss = list(part.values(entrant.name, "pss").values()) if "pss" in QUANTITIES else []
            if part.kind == "memory" and pss and entrant.failure is None:
                said.append(_memory_of(entrant, median(pss)))
    if said:
        yield Answer("How much memory?", f"{'; '.join(said)}.")


def _memory_of(entrant: Entrant, pss_mib: float) -> str:
    each = f", {pss_mib / entrant.workers:.1f} each" if entrant.workers > 1 else ""
    return f"{entrant.name}: {words.number(pss_mib)} MiB for {_workers(entrant.workers)}{each}"


def _where_it_breaks(parts: Sequence[Part]) -> Iterator[Answer]:
    found = []
    for part in parts:
        if part.kind == STEPS:
            steps = {each.name: steps_of(part, each.name) for each in part.entrants}
            found += [_breaks(name, breaking(each)) for name, each in steps.items() if each]
    if found:
        yield Answer("At what load does it break?", f"Users who each ask once a second: {'; '.join(found)}.")


def _breaks(name: str, found: Breaking) -> str:
    held = "" if found.held is None else f"holds {found.held.users:,} (p99 {words.number(found.held.p99_ms)} ms)"
    if found.broke is None:
        return f"{name} {held or 'never held'}, and was not brought to break"
    broke = f"breaks at {found.broke.users:,} (p99 {words.number(found.broke.p99_ms)} ms)"
    return f"{name} {held}, {broke}" if held else f"{name} {broke}"


def _workers(count: int) -> str:
    return "1 worker" if count == 1 else f"{count} workers"
