"""The arbiter's record of one child. Data and its life cycle: it signals nobody and knows no watcher."""

from __future__ import annotations

from msgspec import Struct

from circus_stack.arbiter.posts import Post
from circus_stack.states import ProcessState, ProcessStep, step_process


class Process(Struct):
    """One child. `spawned_at`, `ready_at` and `expires_at` are monotonic seconds, `started_at` is seconds since the
    epoch. `lane` is its place among those of its generation, from 0; a successor gets it from whom it follows."""

    pid: int
    wid: int
    generation: int
    spawned_at: float
    started_at: float
    state: ProcessState = ProcessState.STARTING
    ready_at: float | None = None
    lane: int = 0
    # The word in its marker that no other process has: see `marker`.
    token: str = ""
    # When it has reached its age, or its end for another reason, and is to be replaced; None: never.
    expires_at: float | None = None
    # The other reason, where there is one.
    outlived: str = ""
    # Bytes that it and its descendants used when this was looked at last; None where it was not.
    memory: int | None = None
    memory_kind: str = ""
    # The leader was reaped, but members of its process group live on: its slot is free, its group is still ours.
    is_lingering: bool = False
    # Its place on the scoreboard, if it has one.
    post: Post | None = None

    def step(self, step: ProcessStep) -> None:
        """Go on in the life cycle; raises IllegalStepError."""
        self.state = step_process(self.state, step)

    @property
    def is_stopping(self) -> bool:
        return self.state is ProcessState.STOPPING

    @property
    def is_serving(self) -> bool:
        """Counts towards the wanted number: starting or ready, and not about to go."""
        # Asked of a thousand processes at each exit: `in` would compare texts.
        return self.state is ProcessState.STARTING or self.state is ProcessState.READY


class ProcessView(Struct, frozen=True):
    """What others may see of a process; times are seconds since the epoch, memory is bytes and what was counted."""

    pid: int
    wid: int
    generation: int
    state: ProcessState
    started_at: float
    ready_at: float | None
    memory: int | None = None
    memory_kind: str = ""
    # The slot of the scoreboard that it writes to.
    slot: int | None = None


def view_of(process: Process) -> ProcessView:
    """A frozen copy."""
    since_spawn = None if process.ready_at is None else process.ready_at - process.spawned_at
    return ProcessView(
        pid=process.pid,
        wid=process.wid,
        generation=process.generation,
        state=process.state,
        started_at=process.started_at,
        ready_at=None if since_spawn is None else process.started_at + since_spawn,
        memory=process.memory,
        memory_kind=process.memory_kind,
        slot=None if process.post is None else process.post.slot,
    )
