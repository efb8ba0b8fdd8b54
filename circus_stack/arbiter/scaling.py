"""Carries out the order to change a watcher's number for a reason."""

from __future__ import annotations

from circus_stack.arbiter import operations
from circus_stack.arbiter.keeper import Keeper
from circus_stack.arbiter.outcome import Outcome
from circus_stack.arbiter.scale_order import ScaleOrder


async def scale(keeper: Keeper, order: ScaleOrder) -> Outcome:
    """Returns when the number is reached and all processes serve, of a dry run at once. Raises CommandError where the
    watcher has another number than the order was made from."""

    def count(wanted: int) -> int:
        return order.count(keeper.name, wanted)

    if order.is_dry_run:
        wanted = keeper.watcher.wanted
        count(wanted)
        keeper.publish(order.told(keeper.name, wanted, keeper.epoch()))
        return Outcome()
    return await operations.resize(keeper, count, order)
