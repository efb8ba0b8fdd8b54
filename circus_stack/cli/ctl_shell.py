"""circusctl without a command: a shell on one arbiter, with history, line editing and completion.

readline from the standard library: it is there wherever Python is, takes 2 ms, and obeys the user's own ~/.inputrc.
prompt_toolkit would add a dependency and 100 ms for menus that nobody needs in a program that is called for a minute.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable

import click

from circus_stack import __version__
from circus_stack.cli.completion.line import split_line, words_behind
from circus_stack.cli.completion.suggestions import suggest
from circus_stack.cli.ctl_editing import Editing
from circus_stack.cli.ctl_session import MISUSED, OK, Session

PROMPT = "(circusctl) "
_LEAVING = ("exit", "EOF")


class Shell:
    """Reads lines and hands their words to `run`, which prints by itself, never raises, and returns an exit status."""

    def __init__(self, session: Session, command: click.Group, run: Callable[[list[str]], int]) -> None:
        self._session = session
        self._command = command
        self._run = run
        self._is_terminal = sys.stdin.isatty()
        self._status = OK

    def loop(self) -> int:
        """Read until the end of the input or `exit`. The exit status is 0; that of the last command where no person
        types but a file is read."""
        if not self._is_terminal:
            self._read_all(lambda: input())
            return self._status
        self._session.say(f"circusctl {__version__}")
        self._run(["status"])
        with Editing(self._session.reach.environ, self.complete):
            self._read_all(lambda: input(PROMPT))
        return OK

    def _read_all(self, read: Callable[[], str]) -> None:
        while True:
            try:
                if not self.take(read()):
                    return
            except EOFError:
                if self._is_terminal:
                    self._session.say("")
                return
            except KeyboardInterrupt:
                # Ctrl-C gives up a line, as in every shell; Ctrl-D and exit leave.
                self._session.say("")

    def take(self, line: str) -> bool:
        """One line; False to leave."""
        try:
            words = shlex.split(line, comments=not self._is_terminal)
        except ValueError as error:
            self._session.complain(f"error: {error}".lower())
            self._status = MISUSED
            return True
        if words[:1] == ["circusctl"]:
            words = words[1:]
        if not words:
            return True
        if words[0] in _LEAVING:
            return False
        if words[0] == "?":
            words[0] = "help"
        if words[0] == "quit" and not self._confirms_quit():
            return True
        self._status = self._run(words)
        return words[0] != "quit"

    def _confirms_quit(self) -> bool:
        if not self._is_terminal:
            return True
        # Not by input(): the answer is no line for the history.
        sys.stdout.write("quit ends the whole stack (exit leaves this shell only). End the stack? [y/N] ")
        sys.stdout.flush()
        answer = sys.stdin.readline()
        return answer.strip().lower() in ("y", "yes")

    def complete(self, line: str) -> list[str]:
        """What the last word of a line may become, quoted where it must be."""
        words, beginning = split_line(line)
        words = words_behind("circusctl", ["circusctl", *words])
        names = [item.value for item in suggest(self._command, words, beginning, self._session) if item.type == "plain"]
        if not words:
            names += [name for name in ("exit",) if name.startswith(beginning)]
        return [shlex.quote(name) for name in names]
