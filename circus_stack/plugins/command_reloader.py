"""The plugin that lets a new version of a watcher's program take over as soon as its file is there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from watchfiles import awatch

from circus_stack.errors import CallError
from circus_stack.plugins.command_file import CommandFile, command_path, directories, look_at
from circus_stack.plugins.options import PluginOptions
from circus_stack.plugins.plugin import CircusPlugin
from circus_stack.protocol.reply import is_error

log = logging.getLogger(__name__)

# Events after which a watcher's command may be another one, or a watcher more or less.
_CHANGES = frozenset({"add", "remove", "updated", "start"})


class CommandReloader(CircusPlugin):
    """Reloads each running watcher, but the plugins, whose program's file was replaced or changed.

    The kernel tells of changes. Option: loop_rate (1): for how many seconds changes are gathered before one reload.
    """

    name = "command_reloader"

    def __init__(self, *args: Any, **config: Any) -> None:
        super().__init__(*args, **config)
        self.name = config.get("name") or type(self).name
        self.options = PluginOptions(self.name, config)
        self.loop_rate = self.options.number("loop_rate", 1.0, above=0)
        self.cmd_files: dict[str, tuple[Path, CommandFile]] = {}
        self._watching: asyncio.Task[None] | None = None
        self._watched: frozenset[Path] = frozenset()

    def handle_init(self) -> object:
        for warning in self.options.misspelt():
            log.warning("%s", warning)
        return None

    def handle_join(self) -> object:
        self.look_after()
        return None

    def handle_recv(self, data: Sequence[bytes]) -> object:
        name, action, _ = self.split_data(data)
        if action in _CHANGES and not name.startswith("plugin:"):
            self.look_after()
        return None

    def handle_stop(self) -> object:
        if self._watching is not None:
            self._watching.cancel()
        return None

    def look_after(self) -> None:
        """Ask what runs, reload what runs from a file that is another one by now, watch where the files are."""
        names = [name for name in self.call("list")["watchers"] if not name.startswith("plugin:")]
        for name in self.cmd_files.keys() - set(names):
            del self.cmd_files[name]
        for name in names:
            self._look_at(name)
        self._watch(frozenset(each for path, _ in self.cmd_files.values() for each in directories(path)))

    def _look_at(self, name: str) -> None:
        reply = self.call("options", name=name)
        if is_error(reply):
            return
        options = reply["options"]
        path = command_path(options["cmd"], options.get("working_dir"), (options.get("env") or {}).get("PATH"))
        if path is None:
            return
        found, known = look_at(path), self.cmd_files.get(name)
        if found is None:
            # It is about to be replaced, perhaps: whatever comes in its place is compared with what was there.
            return
        self.cmd_files[name] = (path, found)
        # Another command is the arbiter's own affair: it has replaced the processes itself.
        if known is not None and known[0] == path and known[1] != found:
            self._reload(name, options)

    def _reload(self, name: str, options: Mapping[str, Any]) -> None:
        if self.call("status", name=name)["status"] != "active":
            return
        # A process that only gets a signal would go on with the old file.
        keeps_process = options.get("send_hup") or options.get("reload_mode") in ("hup", "none")
        command = "restart" if keeps_process else "reload"
        log.info("%s: %s has changed: %s", name, self.cmd_files[name][1].path, command)
        reply = self.call(command, name=name)
        if is_error(reply):
            log.error("%s: %s: %s", name, command, reply.get("reason"))

    def _watch(self, wanted: frozenset[Path]) -> None:
        if wanted == self._watched:
            return
        self._watched = wanted
        if self._watching is not None:
            self._watching.cancel()
        self._watching = self.loop.spawn(self._wait_changes(wanted), "the watch on the programs' files")
        log.debug("watches %s", ", ".join(sorted(map(str, wanted))))
        # What changed before the kernel began to tell.
        self.loop.call_later(self.loop_rate, self.look_after)

    async def _wait_changes(self, wanted: frozenset[Path]) -> None:
        gather_ms = max(50, int(self.loop_rate * 1000))
        async for _ in awatch(*wanted, recursive=False, debounce=gather_ms, step=min(50, gather_ms)):
            try:
                self.look_after()
            except CallError as error:
                log.error("%s", error)
