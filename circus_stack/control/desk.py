"""What a handler of a command has on its desk: the collaborators of the control server. Data only."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from circus_stack.control.sampler import Sampler
from circus_stack.control.steering import Reconfigure, Steering, Tail


def no_labels(_watcher: str) -> Mapping[str, str]:
    """No watcher has anything to add to its statistics."""
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Collaborators of all handlers. `seq` is the number of the newest event; `labels` gives what each process of a
    watcher shows beside its figures; `closing` is set when the server is about to close."""

    arbiter: Steering
    tail: Tail
    sampler: Sampler
    reconfigure: Reconfigure
    global_options: Callable[[], Mapping[str, object]]
    labels: Callable[[str], Mapping[str, str]] = no_labels
    seq: Callable[[], int] = lambda: 0
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    epoch: Callable[[], float] = time.time
