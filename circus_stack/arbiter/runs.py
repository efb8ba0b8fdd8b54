"""The runs of a watcher whose processes run once, to their end: when, for how long, with which result.

Kept for whoever asks, and told as events; what follows from a result is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from enum import StrEnum

from msgspec import Struct, field
from msgspec.structs import replace

from circus_stack.config.schema import WatcherConfig
from circus_stack.events import Event, RunCompleted, RunFailed, RunUnseen


class RunResult(StrEnum):
    """What became of a run."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    # Some of it ended while nobody could see how, and the rest well.
    UNKNOWN = "unknown"
    STOPPED = "stopped"


class Run(Struct, frozen=True):
    """One run, all its processes and attempts. `started_at` and `ended_at` are seconds since the epoch, `duration_s`
    comes from a clock that nobody sets; `exit_code` is that of the last process, or the first that was not 0.
    `unseen`: so many of its processes have ended without anybody seeing how."""

    started_at: float
    result: RunResult = RunResult.RUNNING
    ended_at: float | None = None
    duration_s: float | None = None
    exit_code: int | None = None
    unseen: int = 0


class RunsRecord(Struct, frozen=True, kw_only=True):
    """What an arbiter hands over of them; `codes` by slot, `began_at` monotonic seconds; `unseen` are slots."""

    last: Run | None = None
    is_done: bool = False
    began_at: float = 0.0
    codes: Mapping[int, int | None] = field(default_factory=dict)
    unseen: tuple[int, ...] = ()

    def with_unseen(self, wids: Collection[int]) -> RunsRecord:
        """The same where the processes in these slots have ended, and nobody has seen how."""
        last = None if self.last is None else replace(self.last, unseen=self.last.unseen + len(wids))
        codes = {**self.codes, **dict.fromkeys(wids)}
        return replace(self, last=last, codes=codes, unseen=tuple(sorted({*self.unseen, *wids})))


def is_run_again(config: WatcherConfig) -> bool:
    """Whether what runs to its end is run once more where nobody saw how it ended: not for the same due time, and not
    where it is to be tried once."""
    return config.schedule is None and config.respawn


class Runs:
    """The last run of one watcher. `clock` is monotonic, `epoch` the time of day, both seconds."""

    def __init__(
        self, name: str, publish: Callable[[Event], None], clock: Callable[[], float], epoch: Callable[[], float]
    ) -> None:
        self._name = name
        self._publish = publish
        self._clock = clock
        self._epoch = epoch
        self.last: Run | None = None
        # Whether it has completed since it was started last, and nobody has stopped it: what depends on it may start.
        self.is_done = False
        self._began = 0.0
        # What each slot ended with last: a failing process may have been tried again.
        self._codes: dict[int, int | None] = {}
        self._unseen: set[int] = set()

    @property
    def is_running(self) -> bool:
        return self.last is not None and self.last.result is RunResult.RUNNING

    def state(self) -> RunsRecord:
        """What others can go on from."""
        return RunsRecord(
            last=self.last,
            is_done=self.is_done,
            began_at=self._began,
            codes=dict(self._codes),
            unseen=tuple(sorted(self._unseen)),
        )

    def restore(self, record: RunsRecord) -> None:
        """Go on where others were."""
        self.last, self.is_done, self._began = record.last, record.is_done, record.began_at
        self._codes, self._unseen = dict(record.codes), set(record.unseen)

    def recall(self, run: Run) -> None:
        """What a former arbiter knew: a run that it didn't see the end of has not completed."""
        is_open = run.result is RunResult.RUNNING
        self.last = replace(run, result=RunResult.STOPPED) if is_open else run

    def begin(self) -> None:
        """A run begins."""
        self.is_done = False
        self._codes.clear()
        self._unseen.clear()
        self._began = self._clock()
        self.last = Run(self._epoch())

    def note(self, wid: int, exit_code: int | None) -> None:
        """A process has ended; None: it could not even begin."""
        self._codes[wid] = exit_code
        self._unseen.discard(wid)

    def note_unseen(self, wid: int, *, again: bool) -> None:
        """A process has ended, and nobody knows how; `again`: it is tried once more."""
        if self.is_running:
            self.restore(self.state().with_unseen([wid]))
            self._publish(RunUnseen(watcher=self._name, time=self._epoch(), wid=wid, again=again))

    def forget(self) -> None:
        """Somebody stopped the watcher: whoever depends on it waits for another run."""
        self.is_done = False

    def interrupt(self) -> None:
        """The processes go without having done their work."""
        self._end(RunResult.STOPPED)

    def end(self) -> None:
        """Its processes are through."""
        if not self.is_running:
            return
        failed = any(code != 0 for wid, code in self._codes.items() if wid not in self._unseen)
        self.is_done = bool(self._codes) and not failed and not self._unseen
        is_unknown = not failed and bool(self._unseen)
        result = RunResult.COMPLETED if self.is_done else RunResult.UNKNOWN if is_unknown else RunResult.FAILED
        run = self._end(result)
        if run is None:
            return
        kind = RunCompleted if self.is_done else RunFailed
        self._publish(
            kind(
                watcher=self._name,
                time=run.ended_at or 0.0,
                exit_code=run.exit_code,
                duration_s=run.duration_s or 0.0,
            )
        )

    def _end(self, result: RunResult) -> Run | None:
        if self.last is None or self.last.result is not RunResult.RUNNING:
            return None
        codes = list(self._codes.values())
        code = next((each for each in codes if each != 0), codes[-1] if codes else None)
        self.last = replace(
            self.last,
            result=result,
            ended_at=self._epoch(),
            duration_s=self._clock() - self._began,
            exit_code=code,
        )
        return self.last
