"""What processes wrote: logs. Only what the live tail keeps; the lines to come have an endpoint of their own."""

from __future__ import annotations

from typing import Any

from circus_stack.control.desk import Desk
from circus_stack.protocol.commands import MAX_LINES

Fields = dict[str, Any]


def logs(desk: Desk, properties: Fields) -> Fields:
    """`lines`, oldest first, each with its `seq`; a published line with a higher one is not among them."""
    name = properties["name"]
    if name is not None:
        name = desk.arbiter.config(name).name
    limit = min(properties["limit"], MAX_LINES)
    entries = desk.tail.snapshot(name, properties["pid"], limit, properties["stream"])
    lines = [
        {
            "seq": seq,
            "watcher": line.watcher,
            "wid": line.wid,
            "pid": line.pid,
            "stream": line.stream,
            "time": line.time,
            "data": line.data.decode("utf-8", "replace"),
        }
        for seq, line in entries
    ]
    return {"lines": lines}
