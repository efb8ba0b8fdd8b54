"""One upgrade of a running arbiter, seen from a client: asked for, then waited for until the new one answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from circus_stack.client.call import checked
from circus_stack.client.sync import Client
from circus_stack.errors import CallError, CommandError, Errno
from circus_stack.protocol.reply import Reply

# What an upgrade takes beside the rehearsal: operations that end first, what was read is written, the exec.
_MORE_S = 90.0
REHEARSAL_S = 60.0
# A question that came just before the exec is never answered: it is asked again.
_ANSWER_S = 1.0
_PAUSE_S = 0.05


def upgrade(client: Client, properties: Mapping[str, Any], is_alive: Callable[[], bool] = lambda: True) -> Reply:
    """Have the arbiter executed anew; its reply, with `kept`: how many of its processes the new one has.

    Returns when the new one answers. Raises CommandError with the arbiter's reason, and everything is as it was; and
    CallError where nobody answers any more. `is_alive` tells whether there is an arbiter at all.
    """
    limit_s = float(properties.get("rehearsal_timeout") or REHEARSAL_S) + _MORE_S
    reply = checked(_ask(client, properties, is_alive, limit_s))
    _wait_done(client, str(reply["job"]), is_alive, limit_s)
    return {**reply, "kept": _count_kept(client, reply["pids"])}


def _ask(client: Client, properties: Mapping[str, Any], is_alive: Callable[[], bool], limit_s: float) -> Reply:
    """The reply, which an arbiter that ends in its rehearsal never gives."""
    deadline = time.monotonic() + limit_s
    request = client.begin("upgrade", properties)
    while (reply := client.reply(request, _ANSWER_S)) is None:
        if not is_alive():
            raise CallError(
                "the arbiter has ended before the upgrade; the processes live on: start the stack again, and it adopts "
                "them"
            )
        if time.monotonic() > deadline:
            raise CallError(f"the arbiter does not answer within {limit_s:g} s")
    return reply


def _wait_done(client: Client, job: str, is_alive: Callable[[], bool], limit_s: float) -> None:
    """Until then the job is under way in the arbiter that was asked; the new one knows it as done."""
    deadline = time.monotonic() + limit_s
    while True:
        reply = client.reply(client.begin("jobs", {"id": job}), _ANSWER_S)
        if reply is not None:
            found = checked(reply)["jobs"][0]
            if found["state"] == "done":
                return
            if found["state"] == "failed":
                raise CommandError(str(found["error"]), Errno.COMMAND_ERROR)
            time.sleep(_PAUSE_S)
        elif not is_alive():
            raise CallError(
                "the new arbiter has ended, and its log says why; the processes live on: start the stack again, and it "
                "adopts them"
            )
        if time.monotonic() > deadline:
            raise CallError(f"the new arbiter does not answer within {limit_s:g} s")


def _count_kept(client: Client, pids: list[int]) -> int:
    watchers = client.call("status", extended=True).get("watchers", {})
    now = {process["pid"] for watcher in watchers.values() for process in watcher["processes"]}
    return len(now & set(pids))


def summary(reply: Reply, pid: int | None) -> str:
    """`upgraded: 1.0 -> 1.1, pid 4711, 6 processes kept`, and how many had ended before they were counted."""
    old, new, pids = reply["old_version"], reply["version"], reply["pids"]
    versions = new if old == new else f"{old} -> {new}"
    whose = "" if pid is None else f", pid {pid}"
    kept = int(reply["kept"])
    # What was handed over and isn't there has ended: the new arbiter has reaped it.
    ended = f", {len(pids) - kept} ended meanwhile" if kept < len(pids) else ""
    return f"upgraded: {versions}{whose}, {kept} {'process' if kept == 1 else 'processes'} kept{ended}"
