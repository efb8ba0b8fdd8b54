"""A plugin as a user of Circus writes one: it says `circus.plugins`, whatever serves that name.

Writes a line of JSON into the file of its option `out` for each event of the watcher of its option `about`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from circus.plugins import CircusPlugin


class EventWriter(CircusPlugin):
    name = "event_writer"

    def __init__(self, *args: Any, **config: Any) -> None:
        super().__init__(*args, **config)
        self.out = Path(config["out"])
        self.about = config.get("about", "web")

    def write(self, *values: object) -> None:
        with self.out.open("a") as file:
            file.write(json.dumps(values) + "\n")

    def handle_init(self) -> None:
        self.write("init", self.config.get("colour"), self.active)

    def handle_stop(self) -> None:
        self.write("stop")

    def handle_recv(self, data: Any) -> None:
        watcher, action, message = self.split_data(data)
        if watcher != self.about:
            return
        self.write(watcher, action, sorted(self.load_message(message)))
        if action == "start":
            reply = self.call("status", name=watcher)
            self.write("asked", reply["status"])
            self.cast("incr", name=watcher)
