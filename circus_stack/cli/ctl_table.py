"""Which commands circusctl has, by name; each is made when it is asked for, since a call needs one of them."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping

import click

from circus_stack.cli.ctl_commands import build_command
from circus_stack.protocol.commands import COMMANDS

# Name -> module:object, where a command is more than one question and its answer.
_OWN = {
    "help": "circus_stack.cli.ctl_help:help_command",
    "listen": "circus_stack.cli.ctl_listen:listen",
    "logs": "circus_stack.cli.ctl_logs:logs",
    "stats": "circus_stack.cli.ctl_history:stats",
}


class Table(Mapping[str, click.Command]):
    """Every command in the order of the alphabet: those of the protocol, and circusctl's own."""

    def __init__(self) -> None:
        self._names = tuple(sorted({*COMMANDS, *_OWN}))
        self._made: dict[str, click.Command] = {}

    def __getitem__(self, name: str) -> click.Command:
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def _make(self, name: str) -> click.Command:
        where = _OWN.get(name)
        if where is None:
            return build_command(COMMANDS[name])
        module, _, attribute = where.partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
