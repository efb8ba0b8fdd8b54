"""The beginning of one watcher's processes: at once, or between its before_spawn and after_spawn hooks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from circus_stack.arbiter.ages import Ages
from circus_stack.arbiter.backoff import SHORTAGE_S
from circus_stack.arbiter.charge import Charge
from circus_stack.arbiter.ends import Ends
from circus_stack.arbiter.launch_batch import LaunchBatch
from circus_stack.arbiter.marker import new_token
from circus_stack.arbiter.means import Capture
from circus_stack.arbiter.nursery import Nursery
from circus_stack.arbiter.posts import Post
from circus_stack.arbiter.process import Process
from circus_stack.arbiter.readiness_watch import ReadinessWatch
from circus_stack.arbiter.secret_environment import spawn_variables_aside
from circus_stack.arbiter.watcher import Failure
from circus_stack.arbiter.zygote import Newborn
from circus_stack.errors import CircusStackError, ResourceShortageError, SpawnError
from circus_stack.events import ProcessSpawned, SpawnFailed
from circus_stack.system.spawn import Child, SpawnPlan, is_shortage

log = logging.getLogger(__name__)

# Spawns block the loop, so many of them for some 20 milliseconds. After that, commands get their turn.
_SPAWNS_A_TURN = 32
# While a zygote forks these, the loop has its turns; what it does for each of them then, it does without a pause.
_FORKS_AT_ONCE = 16


class _Launch(Struct, frozen=True):
    """A process that is about to start."""

    wid: int
    lane: int
    capture: Capture
    plan: SpawnPlan
    token: str
    post: Post | None = None


class Spawns:
    """Starts processes. `on_failure` and `on_change` as with their ends; `on_refused(hook)` where a hook said no."""

    def __init__(
        self,
        charge: Charge,
        ends: Ends,
        readiness: ReadinessWatch,
        ages: Ages,
        *,
        next_slots: Callable[[int], list[int]],
        nursery: Nursery,
        on_failure: Callable[[Failure, str], None],
        on_refused: Callable[[str], None],
        on_change: Callable[[], None],
    ) -> None:
        self._charge = charge
        self._ends = ends
        self._readiness = readiness
        self._ages = ages
        self._next_slots = next_slots
        self._nursery = nursery
        self._on_failure = on_failure
        self._on_refused = on_refused
        self._on_change = on_change
        # Whether one is between its hooks, or being forked: the next one waits, as it does in Circus.
        self.is_between_hooks = False

    @property
    def _takes_time(self) -> bool:
        """Whether a hook is to be asked, or a file to be read, for each process."""
        return self._charge.config.has_secrets or self._charge.hooks.has("before_spawn", "after_spawn")

    def most(self) -> int:
        """How many may be asked for now."""
        if self.is_between_hooks or (self._charge.config.preload and self._nursery.is_paused):
            return 0
        return min(1 if self._takes_time else _SPAWNS_A_TURN, self.room())

    def room(self) -> int:
        """How many the limits of processes that start at once let through; where none, there is a call once some may.

        The watcher's own processes tell that anyway: each that is ready or gone has it decide again.
        """
        own, starts = self._charge.config.start_concurrency, self._charge.means.starts
        room = max(0, own - self._readiness.pending) if own else _SPAWNS_A_TURN
        shared = starts.room()
        if shared == 0 and not self._charge.watcher.has_all_ready():
            starts.wait(self._on_change)
        return room if shared is None else min(room, shared)

    def begin(self, wids: Sequence[int]) -> None:
        """Start processes in these slots, at the same time; with hooks, one in whichever slot is still wanted when they
        have agreed."""
        if self._takes_time:
            self.is_between_hooks = True
            self._charge.hooks.background(self._between_hooks())
        elif self._charge.config.preload:
            self.is_between_hooks = True
            self._charge.hooks.background(self._fork_in_turn())
        else:
            self._spawn(wids)

    async def _between_hooks(self) -> None:
        hooks = self._charge.hooks
        try:
            async with hooks.lane:
                refusing = await self._spawn_in_turn()
        finally:
            self.is_between_hooks = False
        if refusing is not None:
            self._on_refused(refusing)
        self._on_change()

    async def _spawn_in_turn(self) -> str | None:
        """The hook that refused, if one did."""
        hooks = self._charge.hooks
        if not self._next_slots(1):
            return None
        if not await hooks.call("before_spawn"):
            return "before_spawn"
        secrets = await self._read_secrets()
        # A stop, a smaller number or a reload may have come between.
        wids = self._next_slots(1)
        if wids and isinstance(secrets, SpawnError):
            self._failed(wids[0], secrets)
            return None
        if not wids or isinstance(secrets, SpawnError):
            return None
        is_forked = self._charge.config.preload
        for pid in await self._fork_some(1, secrets) if is_forked else self._spawn(wids, secrets):
            if not await hooks.call("after_spawn", pid=pid):
                self._ends.stop(pid)
                return "after_spawn"
        return None

    async def _read_secrets(self) -> Mapping[str, str] | SpawnError:
        config = self._charge.config
        if not config.has_secrets:
            return {}
        try:
            return await spawn_variables_aside(self._charge.means.loop, config)
        except SpawnError as error:
            return error

    def _spawn(self, wids: Sequence[int], secrets: Mapping[str, str] | None = None) -> list[int]:
        """Start processes in these slots; the pids of those that run."""
        lanes = self._charge.watcher.free_lanes(len(wids))
        batch = LaunchBatch(self._charge, secrets or {})
        launches = self._prepare_all(batch, list(zip(wids, lanes, strict=True)))
        if not launches:
            return []
        # Prepared before and recorded after, not beside it: for the GIL they would wait in turn, and each wait costs
        # more than the processor that is idle meanwhile, which has the children's own start to do.
        children = self._charge.means.spawn_all([each.plan for each in launches])
        begun = [self._begun(launch, child) for launch, child in zip(launches, children, strict=True)]
        return [pid for pid in begun if pid]

    def _begun(self, launch: _Launch, child: Child | SpawnError) -> int:
        """The pid of a process that runs, or 0."""
        if isinstance(child, SpawnError):
            self._abandon(launch)
            self._failed(launch.wid, child)
            return 0
        self._record(launch, child)
        return child.pid

    # -- from a zygote ----------------------------------------------------------------------------------------

    async def _fork_in_turn(self) -> None:
        try:
            # As long as that gets somewhere; whatever is left then waits for its time, or for room.
            while await self._fork_some(_FORKS_AT_ONCE, {}):
                pass
        finally:
            self.is_between_hooks = False
        self._on_change()

    async def _fork_some(self, most: int, secrets: Mapping[str, str]) -> list[int]:
        """Have at most so many forked in the slots that are wanted; the pids of those that run."""
        if not self._next_slots(1):
            return []
        try:
            zygote = await self._nursery.loaded()
        except SpawnError as error:
            self._all_failed(error)
            return []
        wids = self._next_slots(min(most, self.room()))
        lanes = self._charge.watcher.free_lanes(len(wids))
        ready = self._prepare_all(LaunchBatch(self._charge, secrets), list(zip(wids, lanes, strict=True)))
        try:
            outcomes = await zygote.fork([each.plan for each in ready])
        except BaseException:
            for launch in ready:
                self._abandon(launch)
            raise
        is_wanted = self._charge.watcher.is_up and self._charge.watcher.generation == zygote.generation
        begun = [self._forked(launch, each, is_wanted) for launch, each in zip(ready, outcomes, strict=True)]
        return [pid for pid in begun if pid]

    def _forked(self, launch: _Launch, outcome: Newborn | SpawnError, is_wanted: bool) -> int:
        """The pid of a process that runs, or 0."""
        if isinstance(outcome, SpawnError):
            self._abandon(launch)
            if is_wanted:
                self._failed(launch.wid, outcome)
            return 0
        if not is_wanted:
            # A stop, or another reload, has come between: it ends at its gate.
            outcome.turn_away()
            self._abandon(launch)
            return 0
        self._record(launch, outcome.child)
        outcome.gate.open()
        return outcome.child.pid

    def _all_failed(self, error: SpawnError) -> None:
        """Without a zygote none of them can be: each slot has failed, and that is told once, by the nursery."""
        charge = self._charge
        now = charge.means.clock()
        wids = self._next_slots(charge.watcher.wanted)
        if isinstance(error, ResourceShortageError):
            for wid in wids:
                charge.watcher.postpone(wid, now + SHORTAGE_S)
            return
        failures = [charge.watcher.spawn_failed(wid, now) for wid in wids]
        if failures:
            worst = max(failures, key=lambda each: (each.gives_up, each.begins_to_flap, each.delay_s))
            self._on_failure(worst, str(error))

    # -- each of them -----------------------------------------------------------------------------------------

    def _prepare_all(self, batch: LaunchBatch, places: Sequence[tuple[int, int]]) -> list[_Launch]:
        """What can be started in these slots and lanes; it is noted as about to start."""
        prepared = (self._prepare(batch, wid, lane) for wid, lane in places)
        ready = [launch for launch in prepared if launch is not None]
        means, generation = self._charge.means, self._charge.watcher.generation
        now, epoch = means.clock(), means.epoch()
        starts = [
            (
                Process(0, each.wid, generation, now, epoch, lane=each.lane, token=each.token, post=each.post),
                each.capture,
            )
            for each in ready
        ]
        means.notes.note_starts(self._charge.name, starts)
        return ready

    def _abandon(self, launch: _Launch) -> None:
        launch.capture.abandon()
        self._charge.means.posts.release(launch.post)
        self._charge.means.notes.note_no_start(launch.token)

    def _prepare(self, batch: LaunchBatch, wid: int, lane: int) -> _Launch | None:
        capture = post = None
        try:
            capture = self._charge.means.open_capture(self._charge.config, wid)
            token = new_token()
            post = self._charge.means.posts.assign(self._charge.config)
            plan = batch.plan(wid, lane, token, capture, post)
            return _Launch(wid, lane, capture, plan, token, post)
        except Exception as error:
            self._charge.means.posts.release(post)
            if capture is not None:
                capture.abandon()
            self._failed(wid, error)
            return None

    def _record(self, launch: _Launch, child: Child) -> None:
        charge, means = self._charge, self._charge.means
        means.notes.note_started(launch.token, child.pid)
        launch.capture.attach(child.pid)
        now, epoch = means.clock(), means.epoch()
        process = charge.watcher.spawned(child.pid, launch.wid, now, epoch, launch.lane, launch.token)
        process.post = launch.post
        self._ages.note(process)
        self._ends.limit_runtime(child.pid)
        self._ends.watch(child)
        charge.publish(
            ProcessSpawned(watcher=charge.name, time=process.started_at, process_pid=child.pid, wid=launch.wid)
        )
        self._readiness.expect(child.pid, charge.config, launch.plan.env, launch.plan.cwd)
        if not charge.watcher.is_up:
            # One that was to start with it has failed once too often: the watcher was given up.
            self._ends.stop(child.pid)

    def _failed(self, wid: int, error: Exception) -> None:
        charge = self._charge
        if not isinstance(error, (CircusStackError, OSError)):
            # A sink of the user's own, or a mistake of ours: whoever mends it needs the traceback.
            log.error("%s.%d could not be spawned", charge.name, wid, exc_info=error)
        charge.publish(SpawnFailed(watcher=charge.name, time=charge.epoch(), reason=str(error) or repr(error)))
        charge.runs.note(wid, None)
        now = charge.means.clock()
        if isinstance(error, ResourceShortageError) or (isinstance(error, OSError) and is_shortage(error)):
            charge.watcher.postpone(wid, now + SHORTAGE_S)
        else:
            self._on_failure(charge.watcher.spawn_failed(wid, now), str(error))
