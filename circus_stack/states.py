"""The life cycles of a process and of a watcher, as tables. Data only: nothing here acts or waits.

A pair that a table lacks is a step that must not happen; `step_process` and `step_watcher` raise for it. The
diagrams of `arbiter/DESIGN.md` are made from these tables.
"""

from __future__ import annotations

from enum import StrEnum

from circus_stack.errors import IllegalStepError


class ProcessState(StrEnum):
    """Where one process stands between its spawn and its reaping."""

    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"
    EXITED = "exited"


class ProcessStep(StrEnum):
    """What can happen to a process."""

    BECOME_READY = "become ready"
    BECOME_UNREADY = "become unready"
    STOP = "stop"
    EXIT = "exit"


PROCESS_TABLE: dict[tuple[ProcessState, ProcessStep], ProcessState] = {
    (ProcessState.STARTING, ProcessStep.BECOME_READY): ProcessState.READY,
    (ProcessState.STARTING, ProcessStep.STOP): ProcessState.STOPPING,
    (ProcessState.STARTING, ProcessStep.EXIT): ProcessState.EXITED,
    # A READY=1 that is said twice, or that crosses our signal on its way, changes nothing.
    (ProcessState.READY, ProcessStep.BECOME_READY): ProcessState.READY,
    (ProcessState.STOPPING, ProcessStep.BECOME_READY): ProcessState.STOPPING,
    # RELOADING=1 or STOPPING=1: it says itself that it doesn't serve for now, or no more.
    (ProcessState.READY, ProcessStep.BECOME_UNREADY): ProcessState.STARTING,
    (ProcessState.STARTING, ProcessStep.BECOME_UNREADY): ProcessState.STARTING,
    (ProcessState.STOPPING, ProcessStep.BECOME_UNREADY): ProcessState.STOPPING,
    (ProcessState.READY, ProcessStep.STOP): ProcessState.STOPPING,
    (ProcessState.READY, ProcessStep.EXIT): ProcessState.EXITED,
    (ProcessState.STOPPING, ProcessStep.STOP): ProcessState.STOPPING,
    (ProcessState.STOPPING, ProcessStep.EXIT): ProcessState.EXITED,
}


class WatcherState(StrEnum):
    """Where a watcher stands. The values are what `status` sends; Circus knows the first four."""

    STOPPED = "stopped"
    STARTING = "starting"
    ACTIVE = "active"
    STOPPING = "stopping"
    FAILED = "failed"


class WatcherStep(StrEnum):
    """What can happen to a watcher."""

    START = "start"
    COME_UP = "come up"
    STOP = "stop"
    COME_DOWN = "come down"
    GIVE_UP = "give up"


WATCHER_TABLE: dict[tuple[WatcherState, WatcherStep], WatcherState] = {
    (WatcherState.STOPPED, WatcherStep.START): WatcherState.STARTING,
    (WatcherState.FAILED, WatcherStep.START): WatcherState.STARTING,
    (WatcherState.STARTING, WatcherStep.COME_UP): WatcherState.ACTIVE,
    (WatcherState.STARTING, WatcherStep.STOP): WatcherState.STOPPING,
    (WatcherState.STARTING, WatcherStep.GIVE_UP): WatcherState.FAILED,
    (WatcherState.ACTIVE, WatcherStep.STOP): WatcherState.STOPPING,
    (WatcherState.ACTIVE, WatcherStep.GIVE_UP): WatcherState.FAILED,
    (WatcherState.STOPPING, WatcherStep.COME_DOWN): WatcherState.STOPPED,
    # A watcher that was given up may still have processes that must go before it counts as stopped.
    (WatcherState.FAILED, WatcherStep.STOP): WatcherState.STOPPING,
}


def step_process(state: ProcessState, step: ProcessStep) -> ProcessState:
    """The state after `step`; raises IllegalStepError for a step that the table lacks."""
    try:
        return PROCESS_TABLE[state, step]
    except KeyError:
        raise IllegalStepError(f"a process that is {state} cannot {step}") from None


def step_watcher(state: WatcherState, step: WatcherStep) -> WatcherState:
    """The state after `step`; raises IllegalStepError for a step that the table lacks."""
    try:
        return WATCHER_TABLE[state, step]
    except KeyError:
        raise IllegalStepError(f"a watcher that is {state} cannot {step}") from None
