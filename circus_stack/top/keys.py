"""The keys, one declaration each: what the screen obeys, and what its help shows. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from circus_stack.top.actions import ACTIONS
from circus_stack.top.columns import ALL


@dataclass(frozen=True, slots=True)
class Key:
    """`names` are Textual's names of keys, or characters; `does` names what the screen does; `hint` is its word in the
    last line, empty for what only the help tells."""

    names: tuple[str, ...]
    shown: str
    does: str
    help: str
    hint: str = ""


KEYS = (
    Key(("question_mark", "?", "h"), "?", "help", "this help", "help"),
    Key(("up",), "↑ ↓", "up", "choose a line; PgUp, PgDn, Home, End"),
    Key(("down",), "", "down", ""),
    Key(("pageup",), "", "page_up", ""),
    Key(("pagedown",), "", "page_down", ""),
    Key(("home",), "", "first", ""),
    Key(("end",), "", "last", ""),
    Key(("space",), "Space → ←", "toggle", "fold a watcher; e: all", "fold"),
    Key(("right",), "", "open", ""),
    Key(("left",), "", "close", ""),
    Key(("e",), "", "toggle_all", ""),
    Key(("enter", "d"), "Enter", "detail", "graphs and live log", "detail"),
    Key(("slash", "/"), "/", "filter", "filter by name, pid, state; Esc: all", "filter"),
    Key(("escape",), "", "clear", ""),
    Key(("less_than_sign", "<"), "< >", "sort_left", "sort by a column beside", "sort"),
    Key(("greater_than_sign", ">"), "", "sort_right", ""),
    Key(("i",), "i", "invert", "the other way round"),
    Key(("o",), "o", "unsorted", "in the order of the file"),
    Key(("q",), "q", "leave", "leave", "quit"),
)
BY_NAME = {name: key for key in KEYS for name in key.names}
SORTS = {column.key: column for column in ALL}


def help_lines(*, has_control: bool) -> list[tuple[str, str]]:
    """(key, what it does), for the page of help."""
    lines = [(key.shown, key.help) for key in KEYS if key.help]
    if has_control:
        lines += [(action.key, action.help) for action in ACTIONS]
    else:
        lines.append(("", "read-only: see circus-top --control"))
    return [*lines, *((column.key, f"{column.name}: {column.help}") for column in ALL)]
