"""One watcher goes over to other options, all or nothing: by the strongest change that one of them needs.

What changes the watcher is done at once and kept apart from the wait that may follow, which may have no end: whoever
mends what the processes lack must not have to wait for them.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial

from circus_stack.arbiter import operations
from circus_stack.arbiter.keeper import Keeper
from circus_stack.arbiter.operations import Amended, Rest
from circus_stack.arbiter.outcome import Outcome
from circus_stack.config.diff import watcher_changes
from circus_stack.config.option import Change
from circus_stack.config.runtime import merge_runtime
from circus_stack.config.schema import WatcherConfig
from circus_stack.config.values import ReloadMode
from circus_stack.errors import CommandError, OvertakenError, ReloadError
from circus_stack.states import WatcherState


async def amend(keeper: Keeper, config: Amended, changing: asyncio.Lock) -> Outcome:
    """Go over to another configuration; `changing` is held as long as options change, and not while one waits for
    processes to serve.

    Raises ReloadError, with the old configuration in force, where its processes would not serve, and CommandError where
    one of its hooks can't be imported. Where a stop overtakes it, the new configuration stays, for the next start.
    """
    async with changing:
        try:
            rest = await _begin(keeper, config, changing)
        except OvertakenError:
            operations.hold_from_next_start(keeper, config)
            raise
    return await rest()


async def _begin(keeper: Keeper, config: Amended, changing: asyncio.Lock) -> Rest:
    changes = watcher_changes(keeper.config, config())
    if "hooks" in changes and (wrong := await keeper.charge.hooks.check(config())):
        raise CommandError(f"{keeper.name}: {wrong}")
    # What is scheduled has other options from its next run on.
    is_scheduled = keeper.config.schedule is not None and config().schedule is not None
    if Change.ROLL in changes.values() and keeper.holder is None and not is_scheduled:
        is_to_stop = keeper.config.cannot_overlap or config().reload_mode is ReloadMode.RESTART
        if keeper.watcher.state is WatcherState.FAILED or (keeper.watcher.is_up and is_to_stop):
            return await _begin_restart(keeper, config, changing)
        if keeper.watcher.is_up:
            return partial(_give, await operations.roll(keeper, config))
    return await operations.adjust(keeper, config)


async def _give(outcome: Outcome) -> Outcome:
    return outcome


async def _begin_restart(keeper: Keeper, config: Amended, changing: asyncio.Lock) -> Rest:
    old, had_failed = keeper.config, keeper.watcher.state is WatcherState.FAILED
    rest = await operations.begin_restart(keeper, config)
    tried, asked = keeper.config, keeper.interrupts

    async def come_up() -> Outcome:
        keeper.is_on_trial = not had_failed
        try:
            return await rest()
        except CommandError as error:
            async with changing:
                if keeper.interrupts != asked or not _is_but_resized(keeper.config, tried):
                    # Somebody has stopped or changed it since: that is the last word.
                    raise
                former = merge_runtime(tried, keeper.config, old)
                back = await _begin_return(keeper, former, had_failed=had_failed)
            keeper.is_on_trial = False
            await back()
            raise ReloadError(f"{error}; the old configuration is in force again") from error
        finally:
            keeper.is_on_trial = False

    return come_up


def _is_but_resized(config: WatcherConfig, tried: WatcherConfig) -> bool:
    return replace(config, numprocesses=tried.numprocesses) == tried


async def _begin_return(keeper: Keeper, old: WatcherConfig, *, had_failed: bool) -> Rest:
    if had_failed:
        # It stays given up: the old configuration didn't serve either.
        return await operations.adjust(keeper, lambda: old)
    return await operations.begin_restart(keeper, lambda: old)
