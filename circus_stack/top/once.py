"""One look at some stacks, and no more: what `--once` prints. Needs no Textual."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from circus_stack.errors import CallError
from circus_stack.top.feeds import feed_of
from circus_stack.top.place import Place
from circus_stack.top.rows import StackRow


async def look_once(places: Sequence[Place], silence_s: float) -> list[StackRow]:
    """Look at all of them at the same time; what cannot be reached has its `trouble`."""
    return list(await asyncio.gather(*(_look(place, silence_s) for place in places)))


async def _look(place: Place, silence_s: float) -> StackRow:
    try:
        feed = feed_of(place, silence_s)
    except CallError as error:
        return StackRow(name=place.name, time=time.time(), trouble=str(error))
    try:
        return await feed.look()
    finally:
        await feed.aclose()
