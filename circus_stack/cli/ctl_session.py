"""One command of circusctl from its properties to what is printed and the exit status."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from circus_stack.cli.ctl_output import render
from circus_stack.cli.ctl_reach import Reach
from circus_stack.cli.json_view import paint_json
from circus_stack.cli.style import Style, style_of
from circus_stack.cli.upgrading import summary, upgrade
from circus_stack.client.liveness import is_alive
from circus_stack.errors import CommandError
from circus_stack.protocol.reply import ERROR, Reply, is_error

OK, FAILED, MISUSED, REFUSED, INTERRUPTED = 0, 1, 2, 3, 130


class Session(Struct, frozen=True, kw_only=True):
    """What holds for all commands of one call of circusctl: its general flags, and where it prints."""

    reach: Reach
    is_json: bool = False
    is_pretty: bool = False
    say: Callable[[str], None]
    complain: Callable[[str], None]

    def style(self) -> Style:
        """What stdout can show."""
        return style_of(sys.stdout.fileno(), self.reach.environ)

    def ask(self, command: str, properties: Mapping[str, Any]) -> Reply:
        """A command's reply, errors included. Raises CallError."""
        with self.reach.target().client(self.reach.timeout_s) as client:
            return client.request(command, properties)

    def run(self, command: str, properties: Mapping[str, Any]) -> int:
        """Send a command and print its reply; the exit status is 0, or 3 for an error reply. Raises CallError."""
        if command == "upgrade":
            return self._upgrade(properties)
        reply = self.ask(command, properties)
        if self.is_json:
            self.say(self.json(reply))
        elif is_error(reply):
            self.complain(f"error: {reply.get('reason')}")
        else:
            text = render(command, reply, self.style())
            if text:
                self.say(text)
        return REFUSED if is_error(reply) else OK

    def _upgrade(self, properties: Mapping[str, Any]) -> int:
        """The one command whose end another arbiter tells than the one that was asked."""
        target = self.reach.target()
        stack = target.stack
        try:
            with target.client(self.reach.timeout_s) as client:
                reply = upgrade(client, properties, lambda: stack is None or is_alive(stack.paths))
        except CommandError as error:
            refusal = {"status": ERROR, "reason": str(error), "errno": int(error.errno)}
            self.say(self.json(refusal)) if self.is_json else self.complain(f"error: {error}")
            return REFUSED
        self.say(self.json(reply) if self.is_json else summary(reply, None))
        return OK

    def json(self, reply: Reply) -> str:
        # In Circus's very form, blanks included: scripts look for `"status": "ok"`.
        if not self.is_pretty:
            return json.dumps(reply)
        return paint_json(json.dumps(reply, indent=2, sort_keys=True), self.style())
