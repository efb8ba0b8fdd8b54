"""`bench serve`: throughput and latency. Contestants up side by side, asked in turn, round after round."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from ..contestant import CONTESTANTS
from ..load import locust, locust_file, wrk
from ..load.measured import Load, LoadError
from ..plan import Keep, Plan, Watcher, processors
from ..result import Entrant, Part, Round
from ..running import FAILURES, brought_up, fail
from ..scenario import Scenario
from ..server import Server, ServerError
from ..target import serving

AUTO, WRK, LOCUST = "auto", "wrk", "locust"
# To import locust and to start its users, beside the seconds of a load.
_LOCUST_S = 4.0


def estimate_s(plan: Plan) -> float:
    """Seconds that it will take, starts included, installations not."""
    entrants = len(plan.contestants) * len(plan.workers)
    of_users = [each for each in plan.scenarios if each.users or each.locust_file]
    loads = (len(plan.scenarios) - len(of_users)) * (plan.warm_up + plan.rounds * plan.seconds)
    return entrants * (1 + loads + len(of_users) * plan.rounds * (plan.seconds + _LOCUST_S))


def generators_of(plan: Plan) -> dict[str, str]:
    """By scenario. LoadError where one is not installed."""
    found = {}
    for scenario in plan.scenarios:
        is_users = bool(scenario.users or scenario.locust_file)
        if is_users or plan.generator == LOCUST or (plan.generator == AUTO and not wrk.is_here()):
            locust.check_here()
            found[scenario.name] = LOCUST
        else:
            wrk.program()
            found[scenario.name] = WRK
    return found


def carry_out(plan: Plan, part: Part, watcher: Watcher, keep: Keep) -> None:
    """Fill `part`. LoadError where there is no generator, AppError where there is no application. Whatever else is
    raised, KeyboardInterrupt too, leaves in `part` what was found."""
    generators = generators_of(plan)
    for scenario in plan.scenarios:
        if scenario.locust_file:
            locust_file.check(scenario.locust_file)
    part.settings = msgspec.structs.replace(part.settings, generator=", ".join(sorted(set(generators.values()))))
    with tempfile.TemporaryDirectory(prefix="csb") as directory, contextlib.ExitStack() as stack:
        home = Path(directory)
        served = stack.enter_context(serving(plan.app, home))
        race = _Race(plan, part, watcher, home, generators)
        for entrant in part.entrants:
            race.bring_up(entrant, stack, served)
        for scenario in plan.scenarios:
            for _ in race.rounds(scenario):
                keep()
        race.weigh()


class _Race:
    """The entrants that run, by name, and the loads on them."""

    def __init__(self, plan: Plan, part: Part, watcher: Watcher, home: Path, generators: Mapping[str, str]) -> None:
        self._plan = plan
        self._part = part
        self._watcher = watcher
        self._home = home
        self._generators = generators
        self._running: dict[str, tuple[Entrant, Server]] = {}

    def bring_up(self, entrant: Entrant, stack: contextlib.ExitStack, served: Mapping[str, str]) -> None:
        """Start it; what fails is noted."""
        home = self._home / entrant.name.replace(" ", "-")
        starting = brought_up(entrant, self._plan, self._watcher, home, served, is_pinned=self._plan.is_pinned)
        try:
            server = stack.enter_context(starting)
            if entrant.workers > 1:
                # The first that answers is not the last that starts.
                server.wait_settled(CONTESTANTS[entrant.contestant].processes(entrant.workers))
        except FAILURES as error:
            fail(entrant, str(error), self._watcher)
        else:
            entrant.start_s = round(server.start_s, 3)
            self._running[entrant.name] = (entrant, server)

    def rounds(self, scenario: Scenario) -> Iterator[int]:
        """One load an entrant, then the next round; the number of each round that all have ended."""
        script = self._home / f"{scenario.name}.lua"
        script.write_text(wrk.script_of(scenario))
        # Users of locust come before anything counts: no warm-up of its own.
        first = 0 if self._plan.warm_up and self._generators[scenario.name] == WRK else 1
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
            fail(entrant, f"in {scenario.name}: {error}", self._watcher)
            return
        if number:
            self._part.rounds.append(found)
            self._watcher.measured(entrant.name, f"{found.rate:,.0f} requests/s")

    def _load(self, scenario: Scenario, script: Path, number: int, seconds: int, name: str, server: Server) -> Round:
        began = server.cpu_s()
        _, cpus = processors(self._plan.is_pinned)
        connections = scenario.connections or self._plan.connections
        if self._generators[scenario.name] == WRK:
            load, users = wrk.load(server.port, script, seconds, connections, cpus), 0
            if scenario.closes:
                # wrk counts a connection that ends after its answer as an error, where the server did not say
                # `Connection: close` in its turn. It was asked to end it.
                load = msgspec.structs.replace(load, errors=load.errors - load.closed)
        else:
            asking = scenario.users or self._plan.users or connections
            load = self._of_users(scenario, asking, seconds, server.port)
            users = asking if scenario.has_pace else 0
        return round_of(load, scenario.name, name, number, server.cpu_s() - began, users)

    def _of_users(self, scenario: Scenario, users: int, seconds: int, port: int) -> Load:
        _, cpus = processors(self._plan.is_pinned)
        if not scenario.locust_file:
            return locust.load(port, scenario, users, seconds, cpus)
        count, directory = self._plan.processes, Path(scenario.locust_file).parent
        return locust_file.load(port, scenario.locust_file, users, seconds, cpus, count, directory)

    def weigh(self) -> None:
        """What each holds in memory now."""
        for entrant, server in self._running.values():
            with contextlib.suppress(ServerError):
                entrant.rss_bytes, entrant.pss_bytes = server.memory()


def round_of(load: Load, scenario: str, entrant: str, number: int, cpu_s: float, users: int = 0) -> Round:
    """What the generator saw, as a round."""
    latencies = [load.p50_us, load.p95_us, load.p99_us, load.p999_us]
    p50, p95, p99, p999 = (each / 1000 if load.requests else None for each in latencies)
    return Round(
        scenario, entrant, number, load.requests, load.seconds, p50, p95, p99, p999,
        load.errors, load.not_2xx, max(0.0, cpu_s), load.share, users,
    )  # fmt: skip
