"""The reference page of every option, made from the declarations: `python -m circus_stack.config.reference`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from circus_stack.config import inert
from circus_stack.config.dialect import PASTE
from circus_stack.config.option import Option, composites_of, options_of
from circus_stack.config.schema import CircusConfig, SocketConfig, WatcherConfig
from circus_stack.config.server_schema import ServerConfig

_INTRODUCTION = """\
# Options

Made from the declarations by `python -m circus_stack.config.reference`; do not edit.

A bad value is an error with its file and line, and so is an unknown option in one of these sections of a Paste file.
In a Circus file an unknown option of a watcher is kept, and returned by `options`.
"""


def render_reference() -> str:
    """The whole page, in Markdown; the same text every time."""
    blocks = [
        _INTRODUCTION,
        _section("[circus]", _CIRCUS_TEXT, CircusConfig, PASTE.circus_defaults),
        _section("[watcher:NAME]", _WATCHER_TEXT, WatcherConfig, PASTE.watcher_defaults),
        _section("[socket:NAME]", "A listening socket; processes name it as `$(circus.sockets.NAME)`.", SocketConfig),
        _section("[server:NAME] use = egg:circus-stack", _SERVER_TEXT, ServerConfig, changes=False),
        _inert(),
    ]
    return "\n".join(blocks)


_CIRCUS_TEXT = (
    "The arbiter's own options. In a Circus file `include` names more files, or patterns such as `conf.d/*.ini`, "
    "and `include_dir` directories whose files `*.ini` are read: "
    "see [the ini](../ini.md#files-that-a-circus-file-includes)."
)
_WATCHER_TEXT = (
    "One command, any number of processes. `[service:NAME]` takes the same options beside those of its recipe, and "
    "`[watcher:web]` lays them over the watcher that a server section makes."
)
_SERVER_TEXT = (
    "The workers of a Paste file. A default that is empty is the backend's own, or stands in the text. Flags win over "
    "`PORT` and `WEB_CONCURRENCY`, these over the file."
)


def _section(
    title: str, text: str, record: type, paste_defaults: Mapping[str, Any] | None = None, *, changes: bool = True
) -> str:
    head = ["option", "value", "default", "meaning", *(["a change at run time"] if changes else [])]
    rows = [_row(each, paste_defaults or {}, changes) for each in options_of(record)]
    rows += [
        [_code(each.spelling), "", "", each.help, *([str(each.change)] if changes else [])]
        for each in composites_of(record)
    ]
    return f"## {title}\n\n{text}\n\n{_table(head, rows)}"


def _row(option: Option, paste_defaults: Mapping[str, Any], changes: bool) -> list[str]:
    names = ", ".join(_code(name) for name in (option.name, *option.aliases))
    default = _default(option.default)
    if option.name in paste_defaults and paste_defaults[option.name] != option.default:
        default += f"; in a Paste file {_default(paste_defaults[option.name])}"
    row = [names, option.kind.legal, default, option.help]
    return [*row, str(option.change)] if changes else row


def _default(value: object) -> str:
    if value is None or value in ("", ()):
        return ""
    if isinstance(value, float):
        return _code(f"{value:g}")
    return _code(str(value))


def _code(text: str) -> str:
    return f"`{text}`"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["-"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def _inert() -> str:
    groups = {"[circus]": inert.CIRCUS, "[watcher:NAME]": inert.WATCHER}
    rows = [[title, _code(name), reason] for title, table in groups.items() for name, reason in sorted(table.items())]
    text = "Options of Circus that existing files carry. They are read with a warning and change nothing."
    return f"## Without effect\n\n{text}\n\n{_table(['section', 'option', 'why'], rows)}"


def main(argv: list[str] | None = None) -> int:
    """Write the page to the file that is named, else to docs/reference/options.md below the current directory."""
    words = sys.argv[1:] if argv is None else argv
    path = Path(words[0]) if words else Path("docs/reference/options.md")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render_reference(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
