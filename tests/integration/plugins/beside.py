"""What tests of plugins start: an arbiter on an ini of their own, and a plugin beside it."""

from __future__ import annotations

import signal
import textwrap
from collections.abc import Mapping

from tests.support.stack import Room, RunningStack

RUNS = " runs on "


class Beside:
    """A room with one arbiter and plugins."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.endpoint = f"ipc://{room.base}/c"
        self.pubsub = f"ipc://{room.base}/p"
        self._started: list[RunningStack] = []

    def circusd(self, sections: str) -> RunningStack:
        """An arbiter on these sections, at endpoints that are the same each time."""
        ini = self.room.directory / "stack.ini"
        circus = f"[circus]\nendpoint = {self.endpoint}\npubsub_endpoint = {self.pubsub}\n"
        ini.write_text(circus + textwrap.dedent(sections))
        self._started.append(self.room.circusd(str(ini)))
        return self._started[-1]

    def plugin(self, name: str, config: Mapping[str, object] | None = None, *, level: str = "info") -> RunningStack:
        """circus-plugin, which runs when this returns."""
        text = ":::".join(f"{key}:{value}" for key, value in (config or {}).items())
        words = ["--endpoint", self.endpoint, "--pubsub", self.pubsub, "--log-level", level, "--config", text, name]
        plugin = self.room.start("circus-plugin", *words)
        self._started.append(plugin)
        plugin.wait_line(RUNS)
        return plugin

    def stop(self) -> None:
        """End all, the plugins before the arbiter that they steer: it would replace what is killed meanwhile."""
        for each in reversed(self._started):
            if each.program.is_running():
                each.stop(signal.SIGTERM)

    def module(self, name: str, text: str) -> None:
        """A module in the working directory of the programs."""
        (self.room.directory / f"{name}.py").write_text(textwrap.dedent(text))
