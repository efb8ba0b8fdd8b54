"""How the program that runs an arbiter was started, and is started again. Data only."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct


class Program(Struct, frozen=True, kw_only=True):
    """How this program was started, and is started again. `flush` writes what it has said itself: whether that could be
    done within so many seconds."""

    command: tuple[str, ...]
    environ: Mapping[str, str]
    flush: Callable[[float], bool]
