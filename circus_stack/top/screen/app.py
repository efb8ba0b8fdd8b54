"""The screen as a whole: what keys and clicks do, and who is shown what."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.widget import Widget

from circus_stack.errors import CallError, CommandError
from circus_stack.top import keys
from circus_stack.top.actions import BY_KEY, Question, ask
from circus_stack.top.columns import ALL, Column
from circus_stack.top.lines import View, lines_of
from circus_stack.top.place import Place
from circus_stack.top.screen.detail import Detail
from circus_stack.top.screen.help import Help
from circus_stack.top.screen.leaving import Leaving
from circus_stack.top.screen.sockets import Sockets
from circus_stack.top.screen.status_line import StatusLine
from circus_stack.top.screen.summary import Summary
from circus_stack.top.screen.terminal import HangUp, TerminalDriver
from circus_stack.top.screen.tree import Tree
from circus_stack.top.screen.watching import Watching

_LONGEST_FILTER = 100
# Where keys are read from.
_TERMINAL = 0


class TopApp(App[None]):
    """circus-top on a terminal. Read-only unless `has_control`."""

    ENABLE_COMMAND_PALETTE = False
    # Textual's own Ctrl-C only tells how to leave.
    BINDINGS = [Binding("ctrl+c,ctrl+q", "quit", priority=True), Binding("ctrl+z", "suspend_process", priority=True)]
    CSS = "Screen { background: ansi_default; color: ansi_default; layout: vertical; overflow: hidden; }"

    def __init__(self, places: Sequence[Place], view: View, *, has_control: bool, silence_s: float) -> None:
        super().__init__(ansi_color=True, driver_class=TerminalDriver)
        self.theme = "ansi-dark"
        self.view = view
        self._has_control = has_control
        self._watching = Watching(places, silence_s, self._show, self._show_log)
        memory = self._watching.memory
        self._summary, self._sockets, self._detail = Summary(memory), Sockets(), Detail(memory)
        self._tree = Tree(memory, self._choose, self._sort_by, self._toggle)
        self._status, self._help = StatusLine(has_control=has_control), Help(has_control=has_control)
        self._question: Question | None = None
        self._typed: str | None = None
        self._sent: set[asyncio.Task[None]] = set()
        self._leaving = Leaving(self.exit, _TERMINAL)
        self._hang_up = HangUp(_TERMINAL, self.exit)
        self._does: dict[str, Callable[[], None]] = self._table()

    def compose(self) -> ComposeResult:
        """From the top to the bottom."""
        widgets: Iterable[Widget] = (
            self._summary, self._tree, self._sockets, self._detail, self._help, self._status,
        )  # fmt: skip
        yield from widgets

    def on_mount(self) -> None:
        """Begin to look; a terminal that is closed, or a kill, ends it with the terminal as it was."""
        self._leaving.begin()
        if not self.is_headless:
            self._hang_up.watch()
        self._status.hint(self.view.wanted)
        self._show()
        self._watching.start()

    async def on_unmount(self) -> None:
        """Stop to look."""
        await self._watching.stop()
        self._hang_up.close()
        self._leaving.end()

    # -- what is shown ----------------------------------------------------------------------------------------

    def _show(self) -> None:
        stacks = self._watching.stacks()
        self._summary.show(stacks, waits_for=self._watching.count - len(stacks))
        self._tree.show(lines_of(stacks, self.view), self.view)
        self._sockets.show(stacks)
        self._show_log()

    def _show_log(self) -> None:
        if self._detail.display:
            self._detail.show(self._tree.chosen, self._watching.tail)

    def _choose(self) -> None:
        """Another line is chosen."""
        if self._detail.display:
            self._watching.follow(self._tree.chosen)
            self._show_log()

    def _look(self, view: View) -> None:
        self.view = view
        self._status.hint(view.wanted)
        self._show()

    # -- keys -------------------------------------------------------------------------------------------------

    def _table(self) -> dict[str, Callable[[], None]]:
        tree = self._tree
        return {
            "help": lambda: self._set_help(True),
            "up": lambda: tree.move(-1),
            "down": lambda: tree.move(1),
            "page_up": lambda: tree.move(-tree.page),
            "page_down": lambda: tree.move(tree.page),
            "first": lambda: tree.move_to(0),
            "last": tree.move_to_last,
            "open": lambda: self._set_open(True),
            "close": lambda: self._set_open(False),
            "toggle": self._toggle,
            "toggle_all": self._toggle_all,
            "detail": self._toggle_detail,
            "filter": lambda: self._type(""),
            "clear": lambda: self._look(replace(self.view, wanted="")),
            "sort_left": lambda: self._sort_beside(-1),
            "sort_right": lambda: self._sort_beside(1),
            "invert": lambda: self._look(replace(self.view, is_ascending=not self.view.is_ascending)),
            "unsorted": lambda: self._look(replace(self.view, sort=None)),
            "leave": self.exit,
        }

    def on_key(self, event: events.Key) -> None:
        """A key: an answer, a letter of the filter, a command, or a way to look."""
        event.stop()
        name, character = event.key, event.character or ""
        if self._help.display:
            self._set_help(False)
        elif self._question is not None:
            self._answer(character)
        elif self._typed is not None:
            self._go_on_typing(name, character)
        elif name in keys.BY_NAME or character in keys.BY_NAME:
            self._does[(keys.BY_NAME.get(name) or keys.BY_NAME[character]).does]()
        elif character in keys.SORTS:
            self._sort_by(keys.SORTS[character])
        elif character in BY_KEY:
            self._ask(character)

    def _set_help(self, is_shown: bool) -> None:
        self._help.display = is_shown
        for each in (self._summary, self._tree, self._sockets):
            each.display = not is_shown
        if is_shown:
            self._detail.display = False

    # -- the tree ---------------------------------------------------------------------------------------------

    def _sort_by(self, column: Column) -> None:
        self._look(self.view.sorted_by(column))

    def _sort_beside(self, step: int) -> None:
        at = ALL.index(self.view.sort) if self.view.sort is not None else 0
        column = ALL[(at + step) % len(ALL)]
        self._look(replace(self.view, sort=column, is_ascending=not column.is_number))

    def _toggle(self) -> None:
        line = self._tree.chosen
        if line is None or line.watcher is None:
            return
        key = (line.stack.name, line.watcher.name, 0)
        self._look(self.view.toggled(key))
        self._tree.choose(key)

    def _set_open(self, is_open: bool) -> None:
        line = self._tree.chosen
        if line is not None and line.watcher is not None:
            key = (line.stack.name, line.watcher.name, 0)
            if (key not in self.view.closed) != is_open:
                self._toggle()

    def _toggle_all(self) -> None:
        all_keys = {(each.name, watcher.name, 0) for each in self._watching.stacks() for watcher in each.watchers}
        self._look(replace(self.view, closed=frozenset() if self.view.closed else frozenset(all_keys)))

    def _toggle_detail(self) -> None:
        self._detail.display = not self._detail.display
        self._watching.follow(self._tree.chosen if self._detail.display else None)
        self._show_log()

    # -- the filter -------------------------------------------------------------------------------------------

    def _type(self, text: str) -> None:
        self._typed = text
        self.view = replace(self.view, wanted=text)
        self._show()
        self._status.type(text)

    def _go_on_typing(self, name: str, character: str) -> None:
        typed = self._typed or ""
        if name == "enter":
            self._typed = None
            self._status.hint(self.view.wanted)
        elif name == "escape":
            self._typed = None
            self._look(replace(self.view, wanted=""))
        elif name == "backspace":
            self._type(typed[:-1])
        elif character.isprintable() and len(typed) < _LONGEST_FILTER:
            self._type(typed + character)

    # -- control ----------------------------------------------------------------------------------------------

    def _ask(self, character: str) -> None:
        if not self._has_control:
            self._status.say("read-only: circus-top --control has this key", is_bad=True)
            return
        found = ask(BY_KEY[character], self._tree.chosen)
        if isinstance(found, str):
            self._status.say(found, is_bad=True)
            return
        self._question = found
        self._status.ask(found.text)

    def _answer(self, character: str) -> None:
        question, self._question = self._question, None
        if question is None or character not in ("y", "Y"):
            self._status.hint(self.view.wanted)
            return
        self._status.say(f"{question.command} was sent")
        task = asyncio.create_task(self._send(question))
        self._sent.add(task)
        task.add_done_callback(self._sent.discard)

    async def _send(self, question: Question) -> None:
        try:
            await self._watching.command(question.stack, question.command, question.properties)
        except (CallError, CommandError) as error:
            self._status.say(str(error), is_bad=True)
        else:
            self._status.say(f"{question.command}: accepted")
