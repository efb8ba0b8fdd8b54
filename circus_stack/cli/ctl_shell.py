"""circusctl without a command: a small shell on one arbiter, with completion of commands and watchers."""

from __future__ import annotations

import cmd
import shlex
from collections.abc import Callable

import click

from circus_stack import __version__
from circus_stack.cli.ctl_session import Session
from circus_stack.errors import CircusStackError


class Shell(cmd.Cmd):
    """Reads lines and hands their words to `run`, which prints by itself and never raises."""

    prompt = "(circusctl) "

    def __init__(self, session: Session, commands: dict[str, click.Command], run: Callable[[list[str]], int]) -> None:
        super().__init__()
        self._session = session
        self._commands = commands
        self._run = run

    def preloop(self) -> None:
        """The version and the status, as Circus has it."""
        self._session.say(f"circusctl {__version__}; help lists the commands, exit leaves")
        self._run(["status"])

    def onecmd(self, line: str) -> bool:
        """One line; True to leave."""
        try:
            words = shlex.split(line)
        except ValueError as error:
            self._session.complain(f"error: {error}")
            return False
        if not words:
            return False
        if words[0] in ("exit", "EOF"):
            return True
        if words[0] in ("help", "?"):
            return self._help(words[1:])
        if words[0] == "quit" and not self._confirms_quit():
            return False
        self._run(words)
        return words[0] == "quit"

    def _help(self, words: list[str]) -> bool:
        self._run([words[0], "--help"] if words else ["--help"])
        return False

    def _confirms_quit(self) -> bool:
        answer = input("quit ends the whole stack (exit leaves this shell only). End the stack? [y/N] ")
        return answer.strip().lower() in ("y", "yes")

    def completenames(self, text: str, *_ignored: object) -> list[str]:
        """Names of commands."""
        return [name for name in (*self._commands, "help", "exit") if name.startswith(text)]

    def completedefault(self, text: str, *_ignored: object) -> list[str]:
        """Names of watchers."""
        try:
            names = self._session.ask("list", {}).get("watchers", [])
        except CircusStackError:
            return []
        return [name for name in names if name.startswith(text.lower())]

    def loop(self) -> int:
        """Read until the end of the input, `exit`, or Ctrl-C on an empty line; the exit status."""
        try:
            self.cmdloop()
        except KeyboardInterrupt:
            self._session.say("")
        return 0
