"""The commands in docs/control.md, made from their declarations: `python -m circus_stack.protocol.reference`."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from circus_stack.protocol.command import Command
from circus_stack.protocol.commands import COMMANDS
from circus_stack.protocol.property import Property
from circus_stack.protocol.replies import REPLIES

BEGIN = "<!-- commands: made by python -m circus_stack.protocol.reference -->"
END = "<!-- end of commands -->"
_PAGE = Path("docs/control.md")


def render_commands() -> str:
    """All commands in Markdown, in the order of their declaration."""
    return "\n".join(_blocks(COMMANDS.values()))


def _blocks(commands: Iterable[Command]) -> Iterable[str]:
    for command in commands:
        yield f"### {command.name}\n\n{command.help}\n\n    circusctl {command.example}\n"
        if command.properties:
            yield "| property | value | default | meaning |\n| --- | --- | --- | --- |"
            yield from (_row(each) for each in command.properties)
            yield ""
        yield f"Role: {command.role}. Reply: {REPLIES[command.name]}\n"


def _row(declared: Property) -> str:
    legal = declared.type.legal.replace("|", "\\|")
    default = "required" if declared.is_required else _default(declared)
    names = ", ".join(f"`{name}`" for name in (declared.name, *declared.aliases))
    flag = f" (`{declared.flag}`{' says no' if declared.inverts else ''})" if declared.flag else ""
    return f"| {names} | {legal} | {default} | {declared.help}{flag} |"


def _default(declared: Property) -> str:
    match declared.default:
        case None:
            return ""
        case bool():
            return str(declared.default).lower()
        case dict():
            return "none"
        case _:
            return str(declared.default)


def put_into(page: str) -> str:
    """A page with its part between the marks made anew. Raises ValueError where it has none."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no part between {BEGIN} and {END}")
    return f"{head}{BEGIN}\n\n{render_commands()}\n{END}{tail}"


def main() -> None:
    """Write the page of the checkout that this is run in."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else _PAGE
    path.write_text(put_into(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
