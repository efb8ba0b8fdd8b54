"""The runs of a watcher whose processes run once, to their end: when, for how long, with which result.

Kept for whoever asks, and told as events; what follows from a result is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from circus_stack.events import Event, RunCompleted, RunFailed


class RunResult(StrEnum):
    """What became of a run."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Run:
    """One run, all its processes and attempts. `started_at` and `ended_at` are seconds since the epoch, `duration_s`
    comes from a clock that nobody sets; `exit_code` is that of the last process, or the first that was not 0."""

    started_at: float
    result: RunResult = RunResult.RUNNING
    ended_at: float | None = None
    duration_s: float | None = None
    exit_code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsRecord:
    """What an arbiter hands over of them; `codes` by slot, `began_at` monotonic seconds."""

    last: Run | None = None
    is_done: bool = False
    began_at: float = 0.0
    codes: Mapping[int, int | None] = field(default_factory=dict)


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

    @property
    def is_running(self) -> bool:
        return self.last is not None and self.last.result is RunResult.RUNNING

    def state(self) -> RunsRecord:
        """What others can go on from."""
        return RunsRecord(last=self.last, is_done=self.is_done, began_at=self._began, codes=dict(self._codes))

    def restore(self, record: RunsRecord) -> None:
        """Go on where others were."""
        self.last, self.is_done, self._began = record.last, record.is_done, record.began_at
        self._codes = dict(record.codes)

    def recall(self, run: Run) -> None:
        """What a former arbiter knew: a run that it didn't see the end of has not completed."""
        is_open = run.result is RunResult.RUNNING
        self.last = replace(run, result=RunResult.STOPPED) if is_open else run

    def begin(self) -> None:
        """A run begins."""
        self.is_done = False
        self._codes.clear()
        self._began = self._clock()
        self.last = Run(self._epoch())

    def note(self, wid: int, exit_code: int | None) -> None:
        """A process has ended; None: with a status that nobody knows."""
        self._codes[wid] = exit_code

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
        self.is_done = bool(self._codes) and not any(code != 0 for code in self._codes.values())
        run = self._end(RunResult.COMPLETED if self.is_done else RunResult.FAILED)
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
        self.last = Run(self.last.started_at, result, self._epoch(), self._clock() - self._began, code)
        return self.last
