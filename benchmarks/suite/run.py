"""A run: contestants brought up side by side, asked in turn, round after round. What ended is kept, come what may."""

from __future__ import annotations

import contextlib
import datetime
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from . import environment, wrk_load
from .contestant import Contestant, Seat
from .environment import PeerError
from .machine import this_machine
from .result import Entrant, Result, Round, Settings
from .scenario import Scenario
from .server import Server, ServerError, free_port, running, runtime_environ
from .target import write_target
from .wrk_load import LoadError


class Plan(Struct, frozen=True):
    """What to run. `import_path`: where the user's application lies. `cache`: of the contestants' environments."""

    app: str
    scenarios: tuple[Scenario, ...]
    contestants: tuple[Contestant, ...]
    workers: int
    rounds: int
    seconds: int
    warm_up: int
    connections: int
    is_pinned: bool
    import_path: tuple[str, ...]
    cache: Path

    def load_s(self) -> int:
        """Seconds of load in all."""
        each = self.warm_up + self.rounds * self.seconds
        return each * len(self.scenarios) * len(self.contestants)


class Watcher(Protocol):
    """Who looks on; each method is told of a step that begins, or of one that ended."""

    def preparing(self, contestant: str, is_installing: bool) -> None:
        """It is installed, or started."""

    def failed(self, entrant: Entrant) -> None:
        """It takes no (further) part, for `entrant.failure`."""

    def loading(self, scenario: str, contestant: str, number: int) -> None:
        """A load begins; number 0 is the warm-up."""

    def measured(self, found: Round) -> None:
        """A round ended."""


def processors(is_pinned: bool) -> tuple[list[int] | None, list[int] | None]:
    """(the servers', the generator's): the last one is the generator's where there are two or more, else no one's."""
    allowed = sorted(os.sched_getaffinity(0))
    return (allowed[:-1], allowed[-1:]) if is_pinned and len(allowed) > 1 else (None, None)


def begin(plan: Plan, version: str) -> Result:
    """The result before its first round."""
    servers, generator = processors(plan.is_pinned)
    return Result(
        kind="serve",
        made_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        machine=this_machine(),
        settings=Settings(
            plan.app, plan.workers, plan.rounds, plan.seconds, plan.connections, servers, generator, "wrk"
        ),
        scenarios=[each.name for each in plan.scenarios],
        entrants=[Entrant(each.name, [], {}) for each in plan.contestants],
        rounds=[],
        version=version,
    )


def carry_out(plan: Plan, result: Result, watcher: Watcher, keep: Callable[[Result], None]) -> None:
    """Fill `result`; `keep` is called with it after each round of all. LoadError where there is no generator, AppError
    where there is no application. Whatever else is raised, KeyboardInterrupt too, leaves in `result` what was found."""
    wrk_load.program()
    with tempfile.TemporaryDirectory(prefix="csb") as directory, contextlib.ExitStack() as stack:
        home = Path(directory)
        write_target(plan.app, home)
        race = _Race(plan, result, watcher, home)
        for contestant, entrant in zip(plan.contestants, result.entrants, strict=True):
            race.bring_up(contestant, entrant, stack)
        for scenario in plan.scenarios:
            for _ in race.rounds(scenario):
                keep(result)
        race.weigh()
        result.is_complete = True
        keep(result)


class _Race:
    """The contestants that run, by name, and the loads on them."""

    def __init__(self, plan: Plan, result: Result, watcher: Watcher, home: Path) -> None:
        self._plan = plan
        self._result = result
        self._watcher = watcher
        self._home = home
        self._running: dict[str, tuple[Entrant, Server]] = {}

    def bring_up(self, contestant: Contestant, entrant: Entrant, stack: contextlib.ExitStack) -> None:
        """Install it where it must be, and start it; what fails is noted."""
        requirements = contestant.requirements
        is_made = not requirements or (environment.place_of(requirements, self._plan.cache) / "made").exists()
        self._watcher.preparing(contestant.name, not is_made)
        try:
            programs = environment.ensure(requirements, self._plan.cache) if requirements else environment.OURS
            entrant.versions = environment.versions(programs, contestant.distributions)
            server = stack.enter_context(self._start(contestant, entrant, programs))
        except (PeerError, ServerError) as error:
            self._fail(entrant, str(error))
        else:
            entrant.start_s = round(server.start_s, 3)
            self._running[contestant.name] = (entrant, server)

    def _start(
        self, contestant: Contestant, entrant: Entrant, programs: Path
    ) -> contextlib.AbstractContextManager[Server]:
        home = self._home / contestant.name
        home.mkdir(mode=0o700)
        seat = Seat(free_port(), self._plan.workers, home, programs)
        entrant.argv = contestant.argv(seat)
        servers, _ = processors(self._plan.is_pinned)
        environ = runtime_environ(home, [str(self._home), *self._plan.import_path])
        return running(entrant.argv, seat.port, home, servers, environ, self._plan.scenarios[0].asks[0].path)

    def rounds(self, scenario: Scenario) -> Iterator[int]:
        """One load a contestant, then the next round; the number of each round that all have ended."""
        script = self._home / f"{scenario.name}.lua"
        script.write_text(wrk_load.script_of(scenario))
        first = 0 if self._plan.warm_up else 1
        for number in range(first, self._plan.rounds + 1):
            for entrant, server in list(self._running.values()):
                self._round(scenario, script, number, entrant, server)
            yield number

    def _round(self, scenario: Scenario, script: Path, number: int, entrant: Entrant, server: Server) -> None:
        self._watcher.loading(scenario.name, entrant.name, number)
        seconds = self._plan.seconds if number else self._plan.warm_up
        try:
            found = self._load(scenario, script, number, seconds, entrant.name, server)
            server.check_alive()
        except (LoadError, ServerError) as error:
            del self._running[entrant.name]
            self._fail(entrant, f"in {scenario.name}: {error}")
            return
        if number:
            self._result.rounds.append(found)
            self._watcher.measured(found)

    def _load(self, scenario: Scenario, script: Path, number: int, seconds: int, name: str, server: Server) -> Round:
        began = server.cpu_s()
        _, generator = processors(self._plan.is_pinned)
        connections = scenario.connections or self._plan.connections
        load = wrk_load.load(server.port, script, seconds, connections, generator)
        cpu_s = server.cpu_s() - began
        latencies = [load.p50_us, load.p95_us, load.p99_us, load.p999_us]
        p50, p95, p99, p999 = (each / 1000 if load.requests else None for each in latencies)
        return Round(
            scenario.name, name, number, load.requests, load.seconds, p50, p95, p99, p999,
            load.errors, load.not_2xx, max(0.0, cpu_s), load.share,
        )  # fmt: skip

    def weigh(self) -> None:
        """What each holds in memory now."""
        for entrant, server in self._running.values():
            with contextlib.suppress(ServerError):
                entrant.rss_bytes, entrant.pss_bytes = server.memory()

    def _fail(self, entrant: Entrant, why: str) -> None:
        entrant.failure = why
        self._watcher.failed(entrant)


def chosen(names: Sequence[str], known: Sequence[Contestant]) -> tuple[Contestant, ...]:
    """Those of these names, in the order of the declarations; the default ones where there are no names."""
    return tuple(each for each in known if each.name in names or (not names and each.is_default))
