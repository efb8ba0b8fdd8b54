"""The last replies, once the loop serves nobody any more: one that stalls costs the others nothing."""

from __future__ import annotations

import select
import time
from collections.abc import Iterable

from circus_stack.control.entrance.passage import Passage


def see_off(passages: Iterable[Passage], deadline: float) -> None:
    """Carry to each client what libzmq has still to say, until it hangs up or `deadline` (monotonic). Blocks."""
    under_way = list(passages)
    for each in under_way:
        each.part()
    while True:
        poll = select.poll()
        waiting: dict[int, Passage] = {}
        for each in under_way:
            wanted = each.wanted()
            if wanted is not None:
                poll.register(*wanted)
                waiting[wanted[0]] = each
        left_ms = int((deadline - time.monotonic()) * 1000)
        ready = poll.poll(left_ms) if waiting and left_ms > 0 else []
        if not ready:
            return
        for fd, _ in ready:
            waiting[fd].step()
