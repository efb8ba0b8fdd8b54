"""One process after the other: stopped, gone, its successor up, then the next. The caller has the watcher's turn."""

from __future__ import annotations

from circus_stack.arbiter.keeper import Keeper
from circus_stack.arbiter.outcome import Outcome
from circus_stack.errors import CommandError, ReloadError, SpawnError
from circus_stack.events import ReloadFailed, ReloadProgressed, WatcherReloaded

_PHASE = "replacing"


async def replace_one_by_one(keeper: Keeper) -> Outcome:
    """Replace every process that serves now; raises ReloadError at the first successor that doesn't serve.

    Those that were not reached yet serve on then; the one that failed is tried again as ever. `warmup_delay` lies
    between two of them, as it does between any two spawns.
    """
    watcher = keeper.watcher
    old = [process.pid for process in watcher.serving()]
    watcher.is_one_by_one = True
    try:
        await _renew_zygote(keeper)
        for done, pid in enumerate(old):
            _tell(keeper, done, len(old))
            await _replace(keeper, pid)
    except CommandError as error:
        keeper.publish(ReloadFailed(watcher=keeper.name, time=keeper.epoch(), reason=str(error)))
        raise ReloadError(f"{error}; what was not replaced yet serves on") from None
    finally:
        watcher.is_one_by_one = False
    _tell(keeper, len(old), len(old))
    keeper.publish(WatcherReloaded(watcher=keeper.name, time=keeper.epoch()))
    started = tuple(process.pid for process in watcher.serving() if process.pid not in old)
    return Outcome(started=started, stopped=tuple(old))


async def _renew_zygote(keeper: Keeper) -> None:
    """The successors are to have the application as it is now."""
    if not keeper.config.preload:
        return
    means = keeper.charge.means
    renewal = means.loop.create_task(keeper.nursery.renew())
    # Where a stop overtakes it, nobody asks how it ended.
    renewal.add_done_callback(lambda task: task.cancelled() or task.exception())
    renewal.add_done_callback(lambda _: means.pulse.beat())
    try:
        # A stop overtakes this wait like any other.
        await keeper.turns.wait_until(renewal.done)
        renewal.result()
    except SpawnError as error:
        raise CommandError(f"{keeper.name}: {error}") from None
    finally:
        renewal.cancel()


async def _replace(keeper: Keeper, pid: int) -> None:
    watcher, failures = keeper.watcher, keeper.failures.count
    keeper.ends.stop(pid)

    def has_failed() -> bool:
        return not watcher.is_up or keeper.failures.count != failures

    await keeper.turns.wait_until(lambda: has_failed() or (pid not in watcher.processes and keeper.is_complete()))
    if has_failed():
        raise CommandError(f"{keeper.name}: the successor of process {pid} does not serve")


def _tell(keeper: Keeper, done: int, total: int) -> None:
    keeper.publish(ReloadProgressed(watcher=keeper.name, time=keeper.epoch(), done=done, total=total, phase=_PHASE))
