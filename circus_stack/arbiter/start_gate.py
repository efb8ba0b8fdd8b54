"""How many processes of the stack are on their way from spawn to ready, and who waits for his turn. Waits for nothing
itself: whoever found no room is told when there is some again."""

from __future__ import annotations

from collections.abc import Callable


def _no_limit() -> int:
    return 0


class StartGate:
    """Shared by all watchers of one arbiter. `limit()` is how many may be on their way at once; 0: any number.

    Nobody can block it: a process leaves when it is ready, when its `ready_timeout` ends it, and when it ends itself.
    """

    def __init__(self, limit: Callable[[], int] = _no_limit) -> None:
        self.limit = limit
        self._on_their_way: set[int] = set()
        # In the order in which they asked; a dict, since nobody waits twice.
        self._waiting: dict[Callable[[], None], None] = {}

    @property
    def count(self) -> int:
        """How many are on their way now."""
        return len(self._on_their_way)

    def room(self) -> int | None:
        """How many more may be spawned now; None: any number."""
        limit = self.limit()
        return max(0, limit - len(self._on_their_way)) if limit else None

    def wait(self, on_room: Callable[[], None]) -> None:
        """Call `on_room` once, when a process has left; it is for the one who is called to look how many may go."""
        self._waiting.setdefault(on_room)

    def enter(self, pid: int) -> None:
        """A process was spawned and isn't ready yet."""
        self._on_their_way.add(pid)

    def leave(self, pid: int) -> None:
        """It is ready, or will not be."""
        if pid not in self._on_their_way:
            return
        self._on_their_way.discard(pid)
        waiting, self._waiting = self._waiting, {}
        # Each looks for room in this order; who gets none asks again, and keeps its place by that.
        for on_room in waiting:
            on_room()
