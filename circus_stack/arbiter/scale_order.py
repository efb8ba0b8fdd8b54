"""The order to change a watcher's number for a reason, and what is told when the number of one with a range changes.
Pure."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from circus_stack.config.schema import WatcherConfig
from circus_stack.errors import CommandError, Errno
from circus_stack.events import Event, ScalingHeld, ScalingResumed, WatcherScaled


class ScaleOrder(Struct, frozen=True, kw_only=True):
    """To have `number` processes, and why. `expected` is the number that the decision was made from: with another one
    by then nothing is changed. `is_dry_run`: it is only told."""

    number: int
    reason: str = ""
    expected: int | None = None
    is_automatic: bool = False
    is_dry_run: bool = False

    def count(self, name: str, wanted: int) -> int:
        """The new number, when it is this order's turn. Raises CommandError where it was made from another one."""
        if self.expected not in (None, wanted):
            raise CommandError(f"{name} has {wanted} processes by now, not {self.expected}", Errno.COMMAND_ERROR)
        return self.number

    def told(self, name: str, wanted: int, time: float) -> WatcherScaled:
        """The event; `wanted` is the number of before."""
        return WatcherScaled(
            watcher=name,
            time=time,
            old=wanted,
            new=self.number,
            reason=self.reason,
            automatic=self.is_automatic,
            dry_run=self.is_dry_run,
        )


def scale_events(
    old: WatcherConfig, new: WatcherConfig, time: float, order: ScaleOrder | None = None
) -> Iterator[Event]:
    """What to tell when a watcher goes over from one configuration to another: its new number, where it has a range or
    an `order` says why, and whether the autoscaler holds still from here on."""
    number = new.numprocesses
    if old.numprocesses != number and (order is not None or new.scale_range is not None):
        yield (order or ScaleOrder(number=number, reason="somebody asked for it")).told(
            new.name, old.numprocesses, time
        )
    was_held, is_held = _is_beyond(old), _is_beyond(new)
    if is_held and (not was_held or old.numprocesses != number):
        reason = f"{number} processes are beyond the range {new.scale_range}: whoever asked for them is obeyed"
        yield ScalingHeld(watcher=new.name, time=time, reason=reason)
    elif was_held and not is_held and new.scale_range is not None:
        reason = f"{number} processes are within the range {new.scale_range} again"
        yield ScalingResumed(watcher=new.name, time=time, reason=reason)


def _is_beyond(config: WatcherConfig) -> bool:
    return config.scale_range is not None and config.numprocesses not in config.scale_range
