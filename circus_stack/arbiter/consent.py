"""What the hooks of a start have to say to it: each is asked once a start, and the answer is waited for, not polled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from circus_stack.arbiter.hooks import Hooks


class Consent:
    """The answers of before_start and after_start to the start that is under way."""

    def __init__(self, hooks: Hooks, on_answer: Callable[[], None]) -> None:
        self._hooks = hooks
        self._on_answer = on_answer
        self._answers: dict[str, asyncio.Task[bool]] = {}

    def begin(self) -> None:
        """Another start: whatever was answered to the one before counts no more."""
        self._answers.clear()

    def ask(self, hook: str) -> bool | None:
        """What a hook says; None while it hasn't answered, which is told by `on_answer`. True where there is none."""
        if not self._hooks.has(hook):
            return True
        if hook not in self._answers:
            self._answers[hook] = self._hooks.background(self._hooks.ask(hook))
            self._answers[hook].add_done_callback(lambda _: self._on_answer())
        answer = self._answers[hook]
        return answer.result() if answer.done() else None
