"""Figures as people read them, and the sentences that stand above every report. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ..breaking import steps_of
from ..checks import Judged
from ..figures import FigureTable
from ..quantity import Quantity
from ..result import Part, Result, Settings
from ..statistics import Spread
from ..summary import Row, Table, problem_of

MISSING = "-"
_WIDE = 9
HEADINGS = ("contestant", "requests/s", "min .. max", "of best", "p50 ms", "p95 ms", "p99 ms", "p99.9 ms", "CPU s/1000")


def number(value: float | None) -> str:
    """Three digits that count, and thousands apart."""
    if value is None:
        return MISSING
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def mebibytes(value: int | None) -> str:
    return MISSING if value is None else f"{value / 2**20:,.0f}"


def cells(row: Row) -> tuple[str, ...]:
    """Under HEADINGS."""
    rate: Spread | None = row.rate
    reach = MISSING if rate is None else f"{number(rate.least)} .. {number(rate.most)}"
    return (
        row.entrant,
        number(None if rate is None else rate.median),
        reach,
        number(None if row.ratio is None else row.ratio.median),
        *(number(each) for each in (row.p50_ms, row.p95_ms, row.p99_ms, row.p999_ms)),
        MISSING if row.cpu_s_per_1000 is None else f"{row.cpu_s_per_1000:.3f}",
    )


def figure_grid(table: FigureTable) -> tuple[list[str], list[list[str]]]:
    """(headings, rows): medians, with the least and the most of more than one round. A row an entrant; where there are
    more quantities than a page is wide, a row a quantity. Nobody has a place in it who has no figures."""
    rows = [row for row in table.rows if row.cells]
    names = [f"{each.heading} {each.unit}".strip() for each in table.columns]
    cells = [[_figure(one, cell) for one, cell in zip(table.columns, row.cells, strict=True)] for row in rows]
    if len(names) <= _WIDE:
        return ["contestant", *names], [[row.entrant, *line] for row, line in zip(rows, cells, strict=True)]
    return ["", *(row.entrant for row in rows)], [[name, *line] for name, *line in zip(names, *cells, strict=True)]


def _figure(quantity: Quantity, cell: Spread | None) -> str:
    if cell is None:
        return MISSING
    show = (lambda value: f"{value:,.0f}") if quantity.is_counted or quantity.unit == "MiB" else number
    middle, least, most = (show(each) for each in (cell.median, cell.least, cell.most))
    return middle if least == most else f"{middle} ({least} .. {most})"


def steps_grid(part: Part) -> tuple[Sequence[str], list[Sequence[str]]]:
    """(headings, rows) of a part of steps: a row each."""
    rows: list[Sequence[str]] = []
    for entrant in part.entrants:
        for each in steps_of(part, entrant.name):
            found = each.round
            figures = [number(value) for value in (found.rate, found.p50_ms, found.p95_ms, found.p99_ms)]
            failed = str(found.errors + found.not_2xx)
            rows.append((entrant.name, f"{found.users:,}", *figures, failed, each.verdict))
    return ("contestant", "users", "requests/s", "p50 ms", "p95 ms", "p99 ms", "failed", "verdict"), rows


def failures(part: Part) -> list[str]:
    """Of a part of steps: who was not measured to the end, and why."""
    return [f"{each.name}: {problem_of(each, [])}" for each in part.entrants if each.failure is not None]


def facts(result: Result) -> list[str]:
    """The machine and the run, a line each."""
    machine = result.machine
    lines = [
        f"{result.made_at}, circus-stack {result.version}: {' '.join(result.command)}",
        f"{machine.processor}, {machine.cpus} processors, {machine.memory_bytes / 2**30:.1f} GiB, {machine.system}, "
        f"{machine.python}, load {machine.load} at the beginning",
    ]
    if not result.is_complete:
        lines.append("The run was cut off: what stands here is what had ended by then.")
    return lines


def part_facts(part: Part) -> list[str]:
    """The way of one part, a line each."""
    settings = part.settings
    workers = ", ".join(map(str, settings.workers))
    many = "" if settings.workers == [1] else "s"
    if part.kind == "processes":
        return [f"{workers} processes, {rounds(settings.rounds)}, managers in turn"]
    lines = [f"application {settings.app}, {workers} worker{many}"]
    if part.kind in ("start", "memory"):
        lines[0] += f", {rounds(settings.rounds)} of starts, each alone on the machine"
    elif part.kind == "serve":
        lines[0] += f", {askers(settings)} from {settings.generator}, {rounds(settings.rounds)} of "
        lines[0] += f"{settings.seconds} s, contestants in turn"
    elif part.kind == "steps":
        lines[0] += f", users who each ask once a second, steps of {settings.seconds} s"
    elif part.kind == "reload":
        lines[0] += f", {settings.connections} connections from wrk, {rounds(settings.rounds)}, contestants in turn"
    if part.kind in ("serve", "steps", "reload"):
        apart = f"servers on processors {settings.server_cpus}, generator on {settings.generator_cpus}"
        shared = "servers and generator share the processors: figures depend on each other"
        lines.append(apart if settings.server_cpus else shared)
    return lines


def askers(settings: Settings) -> str:
    """Who asks, where the scenario does not say it."""
    return f"{settings.users} users" if settings.locust_files else f"{settings.connections} connections"


def rounds(count: int) -> str:
    return "1 round" if count == 1 else f"{count} rounds"


def verdict(judged: Judged) -> str:
    """A check in a line."""
    figure = f", {judged.figure}" if judged.figure else ""
    return f"{judged.verdict}: {judged.check.name}{figure} [{judged.check.issue}]"


def problems(table: Table | FigureTable) -> list[str]:
    """Those without a rank or a figure, a line each."""
    return [f"{row.entrant}: {row.problem}" for row in table.rows if row.problem]
