"""What of a watcher can be seen to be wrong before anything is started: asks the system, changes nothing."""

from __future__ import annotations

from collections.abc import Iterable

from circus_stack.config.schema import WatcherConfig
from circus_stack.errors import Problem, SpawnError
from circus_stack.system.identity import resolve_identity


def check_identities(watchers: Iterable[WatcherConfig]) -> list[Problem]:
    """A mistake for each user or group that doesn't exist, or that this arbiter could not run a process as."""
    found: list[Problem] = []
    for watcher in watchers:
        try:
            resolve_identity(watcher.uid, watcher.gid)
        except SpawnError as error:
            option = "gid" if watcher.uid is None or "group" in str(error) else "uid"
            where = watcher.where.get(option) or watcher.where.get("")
            found.append(
                Problem(
                    str(error),
                    file=where.file if where else "",
                    line=where.line if where else 0,
                    section=f"watcher:{watcher.name}",
                    option=option,
                    found=watcher.gid if option == "gid" else watcher.uid,
                    legal="a user or group of this machine, by name or number",
                )
            )
    return found
