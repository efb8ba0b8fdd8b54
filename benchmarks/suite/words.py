"""Figures as people read them, and the sentences that stand above every report. Pure."""

from __future__ import annotations

from .checks import Judged
from .result import Result
from .statistics import Spread
from .summary import Row, Table

MISSING = "-"
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
        row.contestant,
        number(None if rate is None else rate.median),
        reach,
        number(None if row.ratio is None else row.ratio.median),
        *(number(each) for each in (row.p50_ms, row.p95_ms, row.p99_ms, row.p999_ms)),
        MISSING if row.cpu_s_per_1000 is None else f"{row.cpu_s_per_1000:.3f}",
    )


def facts(result: Result) -> list[str]:
    """The machine and the way, a line each."""
    machine, settings = result.machine, result.settings
    apart = f"servers on processors {settings.server_cpus}, generator on {settings.generator_cpus}"
    if result.kind == "start":
        way = f"{settings.rounds} starts each, alone on the machine"
    else:
        way = f"{settings.connections} connections from {settings.generator}, "
        way += f"{settings.rounds} rounds of {settings.seconds} s, contestants in turn"
    lines = [
        f"{result.made_at}, circus-stack {result.version}",
        f"{machine.processor}, {machine.cpus} processors, {machine.memory_bytes / 2**30:.1f} GiB, {machine.system}, "
        f"{machine.python}, load {machine.load} at the beginning",
        f"application {settings.app}, {settings.workers} worker{'s' if settings.workers > 1 else ''}, {way}",
    ]
    if result.kind == "serve":
        shared = "servers and generator share the processors: figures depend on each other"
        lines.append(apart if settings.server_cpus else shared)
    if not result.is_complete:
        lines.append("The run was cut off: what stands here is what had ended by then.")
    return lines


def verdict(judged: Judged) -> str:
    """A check in a line."""
    figure = "" if judged.ratio is None else f", {judged.ratio:.2f} x"
    return f"{judged.verdict}: {judged.check.name}{figure}"


def problems(table: Table) -> list[str]:
    """Those without a rank, a line each."""
    return [f"{row.contestant}: {row.problem}" for row in table.rows if row.problem]
