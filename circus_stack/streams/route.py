"""Where the lines of processes of one watcher go: two lanes, and the tail. Lanes may change while processes run."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from circus_stack.streams.block import Block, StreamName
from circus_stack.streams.lane import Lane
from circus_stack.streams.stalls import StallWatch
from circus_stack.streams.tail import LiveTail

Lanes = Mapping[StreamName, Lane | None]


class Route:
    """Shared by all captures that go the same way. `on_unused` is called once it is retired, as one that is passing
    always was, and its last capture has ended."""

    def __init__(
        self,
        watcher: str,
        lanes: Lanes,
        *,
        tail: LiveTail,
        stalls: StallWatch,
        on_unused: Callable[[Route], None],
        is_passing: bool = False,
    ) -> None:
        self.watcher = watcher
        self.lanes = dict(lanes)
        self._tail = tail
        self._stalls = stalls
        self._on_unused = on_unused
        self._holders = 0
        self._is_retired = is_passing

    def hold(self) -> None:
        """One more capture uses it, or is about to."""
        self._holders += 1

    def release(self) -> None:
        """A capture has ended."""
        self._holders -= 1
        self._end_if_unused()

    def retire(self) -> None:
        """The watcher is gone; what its processes still write is taken to the end."""
        self._is_retired = True
        self._end_if_unused()

    def pass_on(self, block: Block) -> None:
        """Hand a block to the tail and to the lane of its stream."""
        self._tail.add(block)
        lane = self.lanes[block.origin.stream]
        if lane is not None:
            lane.put(block)
        else:
            block.settle()

    def has_room(self, stream: StreamName, call_when_room: Callable[[], None]) -> bool:
        """Whether to read on. If not, `call_when_room` is called once, from any thread, when there is room again."""
        lane = self.lanes[stream]
        if lane is None or not lane.is_full:
            return True
        self._stalls.watch(lane)
        lane.when_room(call_when_room)
        return False

    def _end_if_unused(self) -> None:
        if self._is_retired and self._holders == 0:
            self._on_unused(self)
