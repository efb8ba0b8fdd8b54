"""`circus-stack status`: the running stack at one look."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import click

from circus_stack.cli.ctl_output import address_of, paint_state
from circus_stack.cli.notes import notes_of
from circus_stack.cli.remote import remote, stack_option, stdout_style, target_of
from circus_stack.cli.run_table import render_runs, shown_state
from circus_stack.cli.style import BOLD, RED, YELLOW, Style
from circus_stack.cli.table import Column, render_table
from circus_stack.cli.target import Target
from circus_stack.protocol.codec import encode
from circus_stack.protocol.record import StackRecord
from circus_stack.top.words import spaced_age

_COLUMNS = (
    Column("WATCHER"),
    Column("STATE"),
    Column("READY", is_number=True),
    Column("UP", is_number=True),
    Column("BACKEND"),
    Column("PIDS"),
)
# More pids than this would break the line.
_PIDS = 6


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@stack_option
@click.option("--json", "is_json", is_flag=True, help="Print it as JSON.")
@remote
def status(stack_name: str | None, is_json: bool) -> None:
    """Show the watchers of the running stack, their processes, and the sockets.

    \b
    circus-stack status
    circus-stack status --stack app.ini
    """
    target = target_of(stack_name)
    with target.client() as client:
        reply = client.call("status", extended=True)
        sockets = client.call("listsockets")["sockets"]
        keeper = client.call("globaloptions")["options"].get("fd_keeper_pid")
    if is_json:
        found = {"endpoint": target.endpoint, "statuses": reply["statuses"], "watchers": reply.get("watchers", {})}
        click.echo(encode({**found, "sockets": sockets, "fd_keeper_pid": keeper}).decode())
        return
    style = stdout_style()
    click.echo(render_status(target, reply["statuses"], reply.get("watchers", {}), sockets, time.time(), style))
    if keeper is not None:
        click.echo(f"\nfd keeper: process {keeper} keeps sockets and pipes, should the arbiter be killed")


def render_status(
    target: Target,
    statuses: Mapping[str, str],
    watchers: Mapping[str, Any],
    sockets: list[Mapping[str, Any]],
    now: float,
    style: Style,
) -> str:
    """The whole screen, without a last newline. `watchers` may lack (a Circus does not send them)."""
    record = None if target.stack is None else target.stack.record
    rows = [_row(name, state, watchers.get(name, {}), now, style) for name, state in statuses.items()]
    parts = [_heading(target.endpoint, record, now, style), render_table(_COLUMNS, rows, style)]
    notes = [notes_of(name, watcher, now, style) for name, watcher in watchers.items()]
    parts += [note for note in notes if note]
    runs = render_runs(watchers, now, style)
    if runs:
        parts.append(runs)
    if sockets:
        parts.append(render_table((Column("SOCKET"), Column("ADDRESS")), [_socket(each) for each in sockets], style))
    return "\n\n".join(parts)


def _heading(endpoint: str, record: StackRecord | None, now: float, style: Style) -> str:
    if record is None:
        return f"arbiter at {endpoint}"
    name = style.paint(record.name or record.id, BOLD)
    return f"{name}  {record.source}\npid {record.pid}, up {spaced_age(now - record.started_at)}, {endpoint}"


def _row(name: str, state: str, watcher: Mapping[str, Any], now: float, style: Style) -> tuple[str, ...]:
    processes = watcher.get("processes", [])
    backend = watcher.get("labels", {}).get("backend", "")
    return (
        name,
        paint_state(shown_state(state, watcher), style),
        _ready(state, watcher, style),
        spaced_age(max((now - each["started"] for each in processes), default=None)),
        backend,
        _pids([each["pid"] for each in processes]),
    )


def _ready(state: str, watcher: Mapping[str, Any], style: Style) -> str:
    """Ready processes of those wanted; coloured where some lack, unless it was stopped."""
    if "wanted" not in watcher:
        return ""
    ready = sum(each["state"] == "ready" for each in watcher["processes"])
    text = f"{ready}/{watcher['wanted']}"
    if ready >= watcher["wanted"] or state == "stopped":
        return text
    return style.paint(text, RED if state == "failed" else YELLOW)


def _pids(pids: list[int]) -> str:
    shown = ", ".join(map(str, pids[:_PIDS]))
    return f"{shown}, and {len(pids) - _PIDS} more" if len(pids) > _PIDS else shown


def _socket(socket: Mapping[str, Any]) -> tuple[str, str]:
    return str(socket["name"]), address_of(socket)
