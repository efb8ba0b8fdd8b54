"""The process managers that can take part, by name."""

from __future__ import annotations

from collections.abc import Mapping

from .circusd import OURS, RELEASED
from .manager import Manager
from .supervisord import Supervisord

MANAGERS: Mapping[str, Manager] = {each.name: each for each in (OURS, RELEASED, Supervisord())}
# What any manager needs at least to start processes: a loop that does nothing else.
BARE_LOOP = "bare loop"
