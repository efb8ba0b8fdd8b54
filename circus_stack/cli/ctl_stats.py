"""What circusctl prints of statistics: Circus's lines for programs, a table for people. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from circus_stack.cli.style import BOLD, DIM, Style
from circus_stack.cli.table import Column, render_table
from circus_stack.protocol.reply import Reply
from circus_stack.top.words import spaced_age

Infos = Mapping[str, Any]

_COLUMNS = (
    Column("PID", is_number=True),
    Column("SLOT", is_number=True),
    Column("STATE"),
    Column("CPU%", is_number=True),
    Column("MEM%", is_number=True),
    Column("RSS", is_number=True),
    Column("TIME", is_number=True),
    Column("AGE", is_number=True),
    Column("NICE", is_number=True),
    Column("USER"),
    Column("COMMAND"),
)


def render_stats(reply: Reply, style: Style) -> str:
    """All watchers, one watcher, or one process."""
    if "process" in reply:
        infos: Infos = {"": {str(reply["process"]): reply["info"]}}
    elif "infos" in reply:
        infos = reply["infos"]
    else:
        infos = {reply["name"]: reply["info"]}
    return _render_for_people(infos, style) if style.is_terminal else _render_for_programs(infos)


def _render_for_programs(infos: Infos) -> str:
    lines: list[str] = []
    for name, info in infos.items():
        lines.extend([f"{name}:"] if name else [])
        lines.extend(line for pid, each in info.items() for line in _circus_lines(pid, each))
    return "\n".join(lines)


def _render_for_people(infos: Infos, style: Style) -> str:
    """One table, so that the columns of all watchers stand below each other; a line with its name before each."""
    rows = {name: [row for pid, each in info.items() for row in _rows(pid, each, "")] for name, info in infos.items()}
    all_rows = [row for each in rows.values() for row in each]
    heading, *table = render_table(_COLUMNS, all_rows, style, width=style.width).split("\n")
    lines = [heading]
    for name, info in infos.items():
        lines.extend([style.paint(_heading(name, info), BOLD)] if name else [])
        lines.extend(table[: len(rows[name])] or [style.paint("no process", DIM)])
        del table[: len(rows[name])]
    return "\n".join(lines)


def _heading(name: str, info: Infos) -> str:
    backend = next((each["backend"] for each in info.values() if isinstance(each, dict) and each.get("backend")), None)
    return f"{name} ({backend}):" if backend else f"{name}:"


def _rows(pid: str, info: Any, indent: str) -> Iterator[tuple[str, ...]]:
    if isinstance(info, str):
        yield (pid, *[""] * 9, info)
        return
    yield (
        pid,
        str(info.get("wid", "")),
        str(info.get("state", "")),
        str(info["cpu"]),
        str(info["mem"]),
        str(info["mem_info1"]),
        str(info["ctime"]),
        spaced_age(info["age"]),
        str(info["nice"]),
        str(info["username"]),
        indent + str(info["cmdline"]),
    )
    for child in info.get("children", ()):
        yield from _rows(str(child["pid"]), child, f"{indent}- ")


def _circus_lines(pid: str, info: Any) -> Iterator[str]:
    """`PID: PID  CMD USER NICE RSS VMS CPU MEM CTIME`, children indented below."""
    if isinstance(info, str):
        yield f"{pid}: {info}"
        return
    yield f"{pid}: {_figures(info)}"
    for child in info.get("children", ()):
        yield f"   {_figures(child)}"


def _figures(info: Infos) -> str:
    keys = ("username", "nice", "mem_info1", "mem_info2", "cpu", "mem", "ctime")
    return " ".join([f"{info['pid']}  {info['cmdline']}", *(str(info[key]) for key in keys)])


def render_dstats(reply: Reply, _style: Style) -> str:
    """The arbiter's own figures, as Circus prints them."""
    info = reply["info"]
    children = [f"    {_figures(child)}" for child in info.get("children", ())]
    return "\n".join(["Main Process:", f"    {_figures(info)}", *(["Children:", *children] if children else [])])
