"""What `circus-stack status` says below its table of a watcher whose state alone doesn't tell all. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from circus_stack.cli.ansi import make_safe, without_colours
from circus_stack.cli.style import BOLD, DIM, RED, YELLOW, Style
from circus_stack.top.words import spaced_age


def notes_of(name: str, watcher: Mapping[str, Any], now: float, style: Style) -> str:
    """Lines about one watcher, without a last newline; empty where there is nothing to tell. `now` is seconds since the
    epoch."""
    detail = watcher.get("detail")
    if not detail:
        return ""
    failed = watcher.get("failed")
    if failed is None:
        return f"{style.paint(name, YELLOW)}: {detail}{_next_try(watcher.get('retry_at'), now)}"
    lines = [f"{style.paint(name, RED, BOLD)} failed {spaced_age(now - failed['since'])} ago: {detail}"]
    # What a program wrote must not steer the terminal.
    lines += [style.paint(f"    {make_safe(without_colours(line))}", DIM) for line in failed["lines"]]
    return "\n".join([*lines, f"    circusctl start {name} tries again"])


def _next_try(retry_at: float | None, now: float) -> str:
    return "" if retry_at is None else f"; next try in {max(0.0, retry_at - now):.1f} s"
