"""Health probes of one watcher: asked at their interval, and what follows when nobody answers any more.

A probe runs in a task of its own; how many run at once is bounded for the whole arbiter. Who is to be replaced is
handed to `Ages`, which does it one by one, successor first where two may be.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import partial

from circus_stack.arbiter.charge import Charge
from circus_stack.arbiter.patient import Finding, HealthRecord, HealthView, Patient, PatientRecord
from circus_stack.arbiter.probe import attempt
from circus_stack.arbiter.probe_plan import plan_probe
from circus_stack.arbiter.process import Process
from circus_stack.arbiter.watcher import Failure
from circus_stack.config.values import HealthScope, Readiness, ReadinessForm
from circus_stack.errors import CircusStackError
from circus_stack.events import HealthLost, HealthRegained
from circus_stack.states import ProcessState
from circus_stack.system.command import run_command

log = logging.getLogger(__name__)

# The shortest pause between two probes, whatever an option says: they must not keep the arbiter busy.
_LEAST_PAUSE_S = 0.05
# A process that is still there, and still doesn't answer, after so many times the threshold is asked to go without a
# further look at the others, one of which may never come up.
_PATIENCE = 3

_Terms = tuple[Readiness, HealthScope, float, float]


class Health:
    """Probes one watcher. `replace(pid, reason, delay_s)` has a process replaced, `stop(pid)` ends it; `on_failure`
    counts what was found as a failure of its slot."""

    def __init__(
        self,
        charge: Charge,
        *,
        replace: Callable[[int, str, float], None],
        stop: Callable[[int], None],
        on_failure: Callable[[Failure, str], None],
    ) -> None:
        self._charge = charge
        self._replace = replace
        self._stop = stop
        self._on_failure = on_failure
        self._patients: dict[int | None, Patient] = {}
        self._tasks: dict[int | None, asyncio.Task[None]] = {}
        # Those that a judgement on the whole watcher has had replaced, until the last of them is gone.
        self._leaving: frozenset[int] = frozenset()
        # Whether `unhealthy` was told, and `healthy` not yet.
        self._is_told = False
        self._terms: _Terms | None = None
        # What another one knew of those whom this one is about to probe.
        self._known: dict[int | None, PatientRecord] = {}

    # -- handing over -----------------------------------------------------------------------------------------

    def state(self) -> HealthRecord:
        """What others can go on from. A judgement that is being carried out is begun again."""
        return HealthRecord(is_told=self._is_told, patients=tuple(each.state() for each in self._patients.values()))

    def restore(self, record: HealthRecord) -> None:
        """Go on where others were, with whom is still to be probed."""
        self._is_told = record.is_told
        self._terms = self._terms_now()
        self._known = {each.pid: each for each in record.patients}

    # -- who is probed ----------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Processes or options may have changed: probe whoever is to be probed now, and nobody else."""
        config = self._charge.config
        if config.health.form is ReadinessForm.NONE and not self._patients:
            return
        terms = self._terms_now()
        if terms != self._terms:
            self.cancel()
            self._terms = terms
        wanted = self._wanted()
        for key in [each for each in self._patients if each not in wanted]:
            self._drop(key)
        for key in wanted:
            if key not in self._patients:
                self._patients[key] = patient = self._patient(key)
                self._tasks[key] = task = self._charge.means.loop.create_task(self._probe(patient))
                task.add_done_callback(_report)

    def _terms_now(self) -> _Terms:
        config = self._charge.config
        return config.health, config.health_scope, config.health_interval, config.health_start_period

    def _patient(self, key: int | None) -> Patient:
        known = self._known.pop(key, None)
        return Patient(key, self._charge.means.clock()) if known is None else Patient.resumed(known)

    def _wanted(self) -> set[int | None]:
        config, watcher = self._charge.config, self._charge.watcher
        if config.health.form is ReadinessForm.NONE or not watcher.is_up:
            return set()
        if config.health_scope is HealthScope.WATCHER:
            return {None} if watcher.is_active and watcher.wanted else set()
        return {each.pid for each in watcher.serving() if each.state is ProcessState.READY}

    def cancel(self) -> None:
        """Probe nobody, and forget what was found."""
        for key in tuple(self._patients):
            self._drop(key)
        self._leaving, self._is_told = frozenset(), False
        self._known.clear()

    def _drop(self, key: int | None) -> None:
        del self._patients[key]
        self._tasks.pop(key).cancel()

    # -- probing ----------------------------------------------------------------------------------------------

    async def _probe(self, patient: Patient) -> None:
        means = self._charge.means
        # Many that were ready together must not be asked together for ever.
        await asyncio.sleep(max(_LEAST_PAUSE_S, self._charge.config.health_interval * means.draw()))
        while True:
            async with means.probes:
                process = self._asked(patient)
                error = "" if process is None else await self._ask(process)
            # One that ended, or was asked to, while it was probed is no patient any more.
            if process is not None and process.state is ProcessState.READY and process.pid in self._living():
                self._found(patient, error)
            await asyncio.sleep(max(_LEAST_PAUSE_S, self._charge.config.health_interval))

    def _asked(self, patient: Patient) -> Process | None:
        """The process to ask; None where there is nobody to judge now: a reload replaces all of them anyway."""
        watcher = self._charge.watcher
        if watcher.retiring is not None:
            return None
        if patient.pid is not None:
            return watcher.processes.get(patient.pid)
        return next((each for each in watcher.serving() if each.state is ProcessState.READY), None)

    def _living(self) -> Mapping[int, Process]:
        return self._charge.watcher.processes

    async def _ask(self, process: Process) -> str:
        means, config = self._charge.means, self._charge.config
        try:
            plan = plan_probe(config, process, means.surroundings())
        except (CircusStackError, OSError) as error:
            return str(error)
        run = partial(run_command, means.reaper, env=plan.env, cwd=plan.cwd)
        return await attempt(plan.probe, run, config.health_timeout)

    # -- what follows -----------------------------------------------------------------------------------------

    def _found(self, patient: Patient, error: str) -> None:
        charge = self._charge
        config, now = charge.config, charge.means.clock()
        if self._leaving and self._leaving.isdisjoint(charge.watcher.processes):
            self._leaving = frozenset()
            patient.begin_anew(now)
        failures = patient.failures
        finding = patient.note(
            error,
            now,
            charge.epoch(),
            threshold=config.health_threshold,
            start_period=config.health_start_period,
        )
        if patient.failures != failures:
            # The count is noted for whoever takes over, should the arbiter be killed.
            charge.means.pulse.beat()
        if finding is Finding.LOST:
            self._is_told = True
            self._tell_lost(patient)
        if finding in (Finding.LOST, Finding.STILL_LOST):
            self._judge(patient, is_first=finding is Finding.LOST)
        elif not error and self._is_told and self._is_whole():
            self._is_told = False
            charge.publish(HealthRegained(watcher=charge.name, time=charge.epoch(), process_pid=patient.pid))

    def _is_whole(self) -> bool:
        """Whether everybody is there, was asked, and has answered."""
        return self._charge.watcher.has_all_ready() and all(each.is_healthy for each in self._patients.values())

    def _tell_lost(self, patient: Patient) -> None:
        charge = self._charge
        charge.publish(
            HealthLost(
                watcher=charge.name,
                time=charge.epoch(),
                process_pid=patient.pid,
                failures=patient.failures,
                reason=patient.error,
            )
        )

    def _judge(self, patient: Patient, *, is_first: bool) -> None:
        if patient.pid is None:
            self._judge_all(patient)
        elif is_first:
            self._judge_one(patient, patient.pid)
        elif self._is_in_place or patient.failures >= _PATIENCE * self._charge.config.health_threshold:
            self._stop_one(patient, patient.pid)

    @property
    def _is_in_place(self) -> bool:
        """Whether a process has an address of its own, which its successor takes over: it must go first."""
        return not self._charge.config.use_sockets

    def _judge_one(self, patient: Patient, pid: int) -> None:
        delay_s = self._count(pid, patient)
        if not self._charge.watcher.is_up:
            return
        if self._is_in_place:
            self._stop_one(patient, pid)
        else:
            self._replace(pid, _reason(patient), delay_s)

    def _stop_one(self, patient: Patient, pid: int) -> None:
        """End a process whose successor waits for that, one at a time as long as all others may still come up."""
        watcher = self._charge.watcher
        is_hopeless = patient.failures >= _PATIENCE * self._charge.config.health_threshold
        if watcher.has_all_ready() or (is_hopeless and watcher.superseded != pid):
            self._stop(pid)

    def _judge_all(self, patient: Patient) -> None:
        """Each process is replaced; those that come meanwhile are not. What that takes too long with is asked to go."""
        watcher = self._charge.watcher
        if self._leaving:
            if patient.failures >= _PATIENCE * self._charge.config.health_threshold:
                for pid in self._leaving:
                    self._stop(pid)
            return
        pids = [each.pid for each in watcher.serving()]
        self._leaving = frozenset(pids)
        for pid in pids:
            delay_s = self._count(pid, patient)
            if not watcher.is_up:
                return
            self._replace(pid, _reason(patient), delay_s)

    def _count(self, pid: int, patient: Patient) -> float:
        """Count a failure of the process's slot; how long its replacement is to be waited with."""
        charge = self._charge
        process = charge.watcher.processes[pid]
        failure = charge.watcher.judged(process.wid, charge.means.clock(), was_healthy=patient.was_healthy)
        self._on_failure(failure, f"{charge.label(process)} is unhealthy: {patient.error}")
        return failure.delay_s

    # -- what others may know ---------------------------------------------------------------------------------

    @property
    def trouble(self) -> str:
        """What is wrong where nobody of the watcher is healthy; empty where somebody may be."""
        patients = self._patients.values()
        lost = [each for each in patients if each.is_lost]
        return lost[0].error if lost and len(lost) == len(patients) else ""

    def views(self) -> dict[int | None, HealthView]:
        """What is known, by pid; None is the whole watcher."""
        return {key: patient.view() for key, patient in self._patients.items()}


def _reason(patient: Patient) -> str:
    return f"unhealthy: {patient.error}"


def _report(task: asyncio.Task[None]) -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None:
        log.error("a health probe has failed and goes on no more", exc_info=error)
