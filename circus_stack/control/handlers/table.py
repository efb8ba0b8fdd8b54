"""Which handler answers which command: one row for each row of `protocol.commands`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from circus_stack.control.desk import Desk
from circus_stack.control.handlers import (
    configuration,
    listing,
    log_lines,
    operations,
    options,
    quitting,
    scaling,
    signals,
    sockets,
    statistics,
    upgrading,
    watchers,
)

Fields = Mapping[str, Any]
Handler = Callable[[Desk, dict[str, Any]], Fields | Awaitable[Fields]]

HANDLERS: dict[str, Handler] = {
    "add": watchers.add,
    "decr": operations.decr,
    "dstats": statistics.dstats,
    "get": options.get,
    "globaloptions": options.globaloptions,
    "incr": operations.incr,
    "ipython": configuration.ipython,
    "jobs": operations.jobs,
    "kill": signals.kill,
    "list": listing.list_,
    "listsockets": sockets.listsockets,
    "logs": log_lines.logs,
    "numprocesses": listing.numprocesses,
    "numwatchers": listing.numwatchers,
    "options": options.options,
    "quit": quitting.quit_,
    "reload": operations.reload,
    "reloadconfig": configuration.reloadconfig,
    "restart": operations.restart,
    "rm": watchers.rm,
    "save": watchers.save,
    "scale": scaling.scale,
    "schema": configuration.schema,
    "set": watchers.set_,
    "signal": signals.signal,
    "start": operations.start,
    "stats": statistics.stats,
    "status": listing.status,
    "stop": operations.stop,
    "upgrade": upgrading.upgrade,
    "version": configuration.version,
}
