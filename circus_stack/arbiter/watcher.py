"""What a watcher wants, held against what runs. Decides, and returns what is to be done; does nothing itself.

Times are monotonic seconds that come in as arguments. The keeper carries out the actions and reports back.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from circus_stack.arbiter.attempts import most_attempts
from circus_stack.arbiter.backoff import RAN_WELL_AFTER_S, SERVED_WELL_AFTER_S, Backoff, Schedule
from circus_stack.arbiter.handover.record import PaceRecord, ProcessRecord, WatcherRecord
from circus_stack.arbiter.process import Process
from circus_stack.config.schema import WatcherConfig
from circus_stack.config.values import ReadinessForm
from circus_stack.states import ProcessState, ProcessStep, WatcherState, WatcherStep, step_watcher


class Spawn(Struct, frozen=True):
    """Start a process in that slot."""

    wid: int


class Stop(Struct, frozen=True):
    """Ask that process to go."""

    pid: int


class WakeAt(Struct, frozen=True):
    """Decide again at that time: a slot's delay ends then."""

    at: float


class Failure(Struct, frozen=True):
    """A process that didn't run well, or that could not be started; `failures` are its slot's in a row.

    `limit` says what was reached where the watcher `gives_up`; `begins_to_flap` is true once in an episode.
    """

    delay_s: float
    failures: int
    gives_up: bool
    limit: str = ""
    begins_to_flap: bool = False
    # A scheduled run has failed, and is over: the watcher waits for the next due time.
    ends_run: bool = False


Action = Spawn | Stop | WakeAt


class Watcher:
    """One command, N processes: the state that decisions are made from. `draw` gives a number from 0 to 1 by chance."""

    def __init__(self, config: WatcherConfig, draw: Callable[[], float] = lambda: 0.0) -> None:
        self.config = config
        self._draw = draw
        self.state = WatcherState.STOPPED
        self.wanted = config.numprocesses
        self.generation = 1
        self._newest = 1
        self.processes: dict[int, Process] = {}
        # While a reload is under way the old generation isn't filled up: the new one is about to take over.
        self.retiring: int | None = None
        # How many processes of the present generation have ended for good: those of a watcher that doesn't respawn.
        self.done = 0
        # Where each process has work of its own to do, once: the slots whose work is done.
        self._done_slots: set[int] = set()
        # The process that is being replaced because of its age: it serves on until its successor does.
        self.superseded: int | None = None
        # While a reload goes through the processes one by one, each place is free only when its process is gone.
        self.is_one_by_one = False
        self._backoff = Backoff()
        self._failed_spawns = 0
        self._not_before: dict[int, float] = {}
        self._next_spawn_at = 0.0

    def step(self, step: WatcherStep) -> None:
        """Go on in the life cycle; raises IllegalStepError."""
        self.state = step_watcher(self.state, step)

    @property
    def is_up(self) -> bool:
        return self.state in (WatcherState.STARTING, WatcherState.ACTIVE)

    @property
    def is_active(self) -> bool:
        return self.state is WatcherState.ACTIVE

    def serving(self, generation: int | None = None) -> list[Process]:
        """Processes that count as wanted, by slot, of the current generation unless another is named."""
        wanted = self.generation if generation is None else generation
        return sorted(
            (each for each in self.processes.values() if each.is_serving and each.generation == wanted),
            key=lambda each: each.wid,
        )

    def _counted(self) -> list[Process]:
        """Those that fill the wanted number: whoever is about to be replaced is one too many."""
        # Gone through at each spawn and exit of perhaps a thousand: in one go, without a call for each.
        generation, superseded = self.generation, self.superseded
        starting, ready = ProcessState.STARTING, ProcessState.READY
        return [
            each
            for each in self.processes.values()
            if (each.state is ready or each.state is starting)
            and each.generation == generation
            and each.pid != superseded
        ]

    def has_all_ready(self) -> bool:
        """Whether the current generation is complete and each of it serves."""
        # Asked after each spawn and each exit of perhaps a thousand: most often the number alone tells.
        if len(self.processes) + self.done < self.wanted:
            return False
        serving = self._counted()
        complete = len(serving) + self.done >= self.wanted
        return complete and all(each.state is ProcessState.READY for each in serving)

    def has_ended(self) -> bool:
        """Whether the processes have ended for good, all of them where each has work to do."""
        if self.done == 0 or self.processes:
            return False
        # Of several, one may be done while another has failed and waits for its next try.
        return self.done >= self.wanted or not (self.config.runs_once or self.config.exit_codes)

    def converge(self, now: float, most: int) -> list[Action]:
        """What brings the current generation to the wanted number; `most` spawns at a time."""
        if not self.is_up:
            return []
        serving = self._counted()
        if len(serving) > self.wanted:
            # Those of the highest lanes: the sockets that are left over then are nobody's.
            surplus = sorted(serving, key=lambda each: (each.lane, each.wid))[self.wanted :]
            return [Stop(process.pid) for process in reversed(surplus)]
        missing = self.wanted - len(serving) - self.done
        if missing > 0:
            missing -= self._places_taken()
        return self._spawns(missing, now, most) if missing > 0 else []

    def _places_taken(self) -> int:
        """Processes on their way out whose successor must wait for their end: what doesn't serve on our sockets may
        hold a port or a lock of its own, and a singleton is never two."""
        if self.config.use_sockets and not self.config.singleton and not self.is_one_by_one:
            return 0
        starting, ready = ProcessState.STARTING, ProcessState.READY
        leaving = [each for each in self.processes.values() if each.state is not ready and each.state is not starting]
        return sum(each.generation == self.generation for each in leaving)

    def _spawns(self, missing: int, now: float, most: int) -> list[Action]:
        """Spawns for the lowest free slots; a slot whose delay hasn't ended keeps its place and is waited for."""
        actions: list[Action] = []
        if self.config.warmup_delay:
            if missing > 0 and now < self._next_spawn_at:
                return [WakeAt(self._next_spawn_at)]
            most = min(most, 1)
        taken = {process.wid for process in self.processes.values() if not process.is_lingering} | self._done_slots
        wid = 0
        wake_at: float | None = None
        while missing > 0 and len(actions) < most:
            wid += 1
            if wid in taken:
                continue
            missing -= 1
            not_before = self._not_before.get(wid, 0.0)
            if not_before <= now:
                actions.append(Spawn(wid))
            else:
                wake_at = not_before if wake_at is None else min(wake_at, not_before)
        return actions if wake_at is None else [*actions, WakeAt(wake_at)]

    def spawned(
        self, pid: int, wid: int, now: float, epoch: float, lane: int | None = None, token: str = ""
    ) -> Process:
        """Record a process that was started; in the first free lane unless another was given to it."""
        lane = next(iter(self.free_lanes(1))) if lane is None else lane
        process = Process(pid, wid, self.generation, spawned_at=now, started_at=epoch, lane=lane, token=token)
        self.processes[pid] = process
        self._failed_spawns = 0
        self._next_spawn_at = now + self.config.warmup_delay
        return process

    def free_lanes(self, count: int) -> tuple[int, ...]:
        """The lowest places that no serving process of this generation has: so each gets that of whom it follows."""
        taken = {each.lane for each in self._counted()}
        free = (lane for lane in range(len(taken) + count) if lane not in taken)
        return tuple(itertools.islice(free, count))

    def became_ready(self, pid: int, now: float) -> bool:
        """Record that a process serves; False where that changes nothing."""
        process = self.processes.get(pid)
        if process is None or process.is_lingering:
            return False
        was_starting = process.state is ProcessState.STARTING
        process.step(ProcessStep.BECOME_READY)
        if was_starting and process.ready_at is None:
            process.ready_at = now
        return was_starting

    def became_unready(self, pid: int) -> bool:
        """Record that a process doesn't serve for now; False where it didn't anyway."""
        process = self.processes.get(pid)
        if process is None or process.is_lingering:
            return False
        was_ready = process.state is ProcessState.READY
        process.step(ProcessStep.BECOME_UNREADY)
        return was_ready

    def exited(
        self, pid: int, now: float, *, code: int | None = None, is_done: bool = False, has_served: bool = False
    ) -> Failure | None:
        """Record an end; a Failure if the process had not been asked to go and had not run well.

        `is_done`: it has ended for good, whether well or not, and gets no successor. `has_served`: it did all that it
        was started for, however short it lived. `code` is its exit code, as far as it is known.
        """
        process = self.processes[pid]
        was_expected = process.is_stopping
        is_final = self.is_final(process, code)
        process.step(ProcessStep.EXIT)
        if process.generation == self.retiring:
            return None
        if self.config.runs_once:
            return self._attempt_ended(process, now, is_done=is_done) if self.is_up else None
        if self.is_up and process.generation == self.generation and (is_final or not self.config.respawn):
            self.done += 1
            return None
        if was_expected:
            return None
        self.done += is_done
        if has_served or self._ran_well(process, now):
            self._backoff.succeeded(process.wid)
            self._not_before.pop(process.wid, None)
            return None
        return self.failed(process.wid, now)

    def is_final(self, process: Process, code: int | None) -> bool:
        """Whether a process that ends with that code was to end so: nobody had asked it to, and it had been ready."""
        return code in self.config.exit_codes and not process.is_stopping and process.ready_at is not None

    def _attempt_ended(self, process: Process, now: float, *, is_done: bool) -> Failure | None:
        """Of a watcher that runs once. Whoever ended the process: without success it has failed."""
        if not is_done:
            return self._attempt_failed(process.wid, now)
        self.done += 1
        self._done_slots.add(process.wid)
        self._backoff.succeeded(process.wid)
        self._not_before.pop(process.wid, None)
        return None

    def _attempt_failed(self, wid: int, now: float) -> Failure:
        """Failures in a row count, however long they took: a slow one would never fill a window."""
        failure = self.failed(wid, now)
        most = most_attempts(self.config)
        gives_up = most is not None and failure.failures >= most
        if gives_up and self.config.schedule is not None:
            self.done += 1
            self._done_slots.add(wid)
            return replace(failure, gives_up=False, begins_to_flap=False, limit="", ends_run=True)
        limit = "" if not gives_up else "1 failed run" if failure.failures == 1 else f"{failure.failures} failed runs"
        return replace(failure, gives_up=gives_up, limit=limit)

    def _ran_well(self, process: Process, now: float) -> bool:
        if now - process.spawned_at >= RAN_WELL_AFTER_S:
            return True
        return self._is_proof() and process.ready_at is not None and now - process.ready_at >= SERVED_WELL_AFTER_S

    def _is_proof(self) -> bool:
        """Whether being ready shows that the process itself works: at an address a stranger may have answered."""
        return self.config.ready.form not in (ReadinessForm.NONE, ReadinessForm.TCP, ReadinessForm.HTTP)

    def failed(self, wid: int, now: float) -> Failure:
        """Count a failure of a slot, also one that never became a process."""
        was_flapping = self._backoff.is_flapping
        failures = self._backoff.failed(wid, now)
        delay_s = Schedule.of(self.config).delay_s(failures, self._draw())
        self._not_before[wid] = now + delay_s
        begins_to_flap = self._backoff.is_flapping and not was_flapping
        # For each process: else the more there are, the shorter an outage that they all meet may be.
        limit = self.config.max_failures * max(1, self.wanted)
        gives_up = 0 < limit <= self._backoff.recent(now, self.config.failure_window)
        text = f"{limit} failures in {self.config.failure_window:g} s" if gives_up else ""
        return Failure(delay_s, failures, gives_up, text, begins_to_flap)

    def judged(self, wid: int, now: float, *, was_healthy: bool) -> Failure:
        """Count a process that runs, and was found to be of no use; `was_healthy`: it had been of use before, so that
        this is the first failure of a new row."""
        if was_healthy:
            self._backoff.succeeded(wid)
        return self.failed(wid, now)

    def spawn_failed(self, wid: int, now: float) -> Failure:
        """Count a command that could not be executed; Circus's max_retry bounds how often that may be, in a row."""
        if self.config.runs_once:
            return self._attempt_failed(wid, now)
        failure = self.failed(wid, now)
        self._failed_spawns += 1
        if failure.gives_up or not 0 <= self.config.max_retry <= self._failed_spawns:
            return failure
        limit = f"{self._failed_spawns} failing spawns in a row (max_retry)"
        return replace(failure, gives_up=True, limit=limit)

    @property
    def failures_in_a_row(self) -> int:
        """How often the slot that is worst off has failed in a row."""
        return self._backoff.worst

    def retry_at(self, now: float) -> float | None:
        """When the next slot that waits after failures is tried again; None where none waits."""
        return min((each for each in self._not_before.values() if each > now), default=None)

    def postpone(self, wid: int, until: float) -> None:
        """Try that slot again later, for a reason that is no failure of its command."""
        self._not_before[wid] = until

    def forget(self, pid: int) -> None:
        """The process and its group are gone."""
        del self.processes[pid]
        if self.superseded == pid:
            self.superseded = None

    def pace(self) -> PaceRecord:
        """What holds up the next spawns."""
        return PaceRecord(
            backoff=self._backoff.state(),
            failed_spawns=self._failed_spawns,
            not_before=dict(self._not_before),
            next_spawn_at=self._next_spawn_at,
        )

    @property
    def done_slots(self) -> tuple[int, ...]:
        """Of a watcher that runs once, the slots whose work is done."""
        return tuple(sorted(self._done_slots))

    @property
    def newest_generation(self) -> int:
        """The number that was given out last."""
        return self._newest

    def restore(self, record: WatcherRecord) -> None:
        """Go on where another watcher was, no operation being under way with it."""
        self.state, self.wanted, self.done = record.state, record.wanted, record.done
        self.generation, self._newest = record.generation, record.newest_generation
        self.superseded = record.superseded
        self.processes = {each.pid: _process(each) for each in record.processes}
        self._done_slots = set(record.done_slots)
        self._backoff.restore(record.pace.backoff)
        self._failed_spawns = record.pace.failed_spawns
        self._not_before = dict(record.pace.not_before)
        self._next_spawn_at = record.pace.next_spawn_at

    def begin_generation(self) -> None:
        """What is spawned from here on belongs to a new generation; the present one is about to retire."""
        self.retiring = self.generation
        self.superseded = None
        self._newest += 1
        self.generation = self._newest
        self.forgive()

    def end_generation_change(self) -> None:
        """The new generation has taken over."""
        self.retiring = None

    def return_to_generation(self, generation: int) -> None:
        """The new generation will not do: count the old one again."""
        self.retiring = None
        self.generation = generation
        self.forgive()

    def begin(self) -> None:
        """What ended for good before this start counts no more."""
        self.done = 0
        self._done_slots.clear()
        self.superseded = None

    def forgive(self) -> None:
        """Start from a clean slate: what failed or ended in the past counts no more."""
        self.done = 0
        self._done_slots.clear()
        self._backoff.reset()
        self._failed_spawns = 0
        self._not_before.clear()


def _process(record: ProcessRecord) -> Process:
    return Process(
        pid=record.pid,
        wid=record.wid,
        generation=record.generation,
        spawned_at=record.spawned_at,
        started_at=record.started_at,
        state=record.state,
        ready_at=record.ready_at,
        lane=record.lane,
        token=record.token,
        expires_at=record.expires_at,
        outlived=record.outlived,
        is_lingering=record.is_lingering,
        post=record.post,
        memory=record.memory,
        memory_kind=record.memory_kind,
    )
