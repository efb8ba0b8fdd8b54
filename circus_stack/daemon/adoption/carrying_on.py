"""What was under way when an arbiter was killed, carried on by the one that has adopted its processes."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from circus_stack.arbiter.arbiter import Arbiter
from circus_stack.arbiter.runs import is_run_again
from circus_stack.daemon.adoption.salvage import Salvage
from circus_stack.errors import CircusStackError
from circus_stack.events import Event, ProcessAdopted, RunUnseen

log = logging.getLogger(__name__)


def announce(found: Salvage, publish: Callable[[Event], None], now: float) -> None:
    """Tell of each process that was taken over, and of all together; `now` is seconds since the epoch."""
    count = 0
    for watcher in found.arbiter.watchers:
        for process in watcher.processes:
            count += 1
            name = watcher.config.name
            publish(ProcessAdopted(watcher=name, time=now, process_pid=process.pid, wid=process.wid))
    _announce_unseen(found, publish, now)
    sockets = [each.config.name for each in found.arbiter.sockets]
    log.info(
        "adopted %d processes of an arbiter that was killed%s",
        count,
        f", and their sockets {', '.join(sockets)}" if sockets else "",
    )


def _announce_unseen(found: Salvage, publish: Callable[[Event], None], now: float) -> None:
    again = {each.config.name: is_run_again(each.config) for each in found.arbiter.watchers}
    for name, wids in found.settlement.unseen.items():
        for wid in wids:
            publish(RunUnseen(watcher=name, time=now, wid=wid, again=again[name]))


async def carry_on(
    found: Salvage,
    arbiter: Arbiter,
    reconfigure: Callable[[], Awaitable[object]],
    on_up: Callable[[], None],
) -> None:
    """Do what is left of what was asked for, then go over to the configuration as the files have it now; `on_up` is
    called after that, whatever came of it."""
    settlement = found.settlement
    for name, pids in settlement.surplus.items():
        for pid in pids:
            # It may have ended by itself.
            with suppress(CircusStackError):
                await arbiter.kill(name, pid=pid)
    with suppress(CircusStackError):
        if settlement.to_stop:
            await arbiter.stop(settlement.to_stop)
    with suppress(CircusStackError):
        if settlement.to_start:
            await arbiter.start(settlement.to_start)
    if settlement.to_reload:
        try:
            await arbiter.reload(settlement.to_reload)
        except CircusStackError as error:
            log.error("the reload that the end of the arbiter had cut short has failed: %s", error)
    try:
        await reconfigure()
    except CircusStackError as error:
        log.error("the configuration was not applied, what was adopted serves on as before:\n%s", error)
    if not arbiter.is_quitting:
        on_up()
