"""What a run found, as records, and their JSON. A stored result can be reported and compared by later versions."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import msgspec
from msgspec import Struct

# Counts up with every change that an older reader would misunderstand.
FORMAT = 2


class ResultError(Exception):
    """A file that is no result, or one of a format that this version does not know; the text names the file."""


class Machine(Struct, frozen=True):
    """Where it ran. `cpus`: those that the run was allowed; `load`: of the last minute, when it began."""

    system: str
    processor: str
    cpus: int
    memory_bytes: int
    python: str
    load: float


class Settings(Struct, frozen=True):
    """How it was measured. `workers`: a set of contestants for each; of process managers, how many processes. The
    processors are None where server and generator were not kept apart. `locust_files`: the user's own; `processes`: of
    locust."""

    app: str
    path: str
    workers: list[int]
    rounds: int
    seconds: int
    warm_up: int
    connections: int
    server_cpus: list[int] | None
    generator_cpus: list[int] | None
    generator: str
    users: int = 0
    locust_files: list[str] = []
    processes: int = 1
    is_quick: bool = False


class Entrant(Struct):
    """A contestant of a part, with so many workers. `name` is its own in the part. `failure`: why it was not measured,
    or not to the end, else None. Memory is the sum over its processes after the last round, in bytes."""

    name: str
    contestant: str
    workers: int
    argv: list[str] = []
    versions: dict[str, str] = {}
    start_s: float | None = None
    rss_bytes: int | None = None
    pss_bytes: int | None = None
    failure: str | None = None


class Round(Struct, frozen=True):
    """One load on one entrant. Latencies in ms, None where nothing was answered; `cpu_s` of all its processes;
    `generator_share`: how much of its processor the generator used, 0 to 1. `errors`: connections that failed;
    `not_2xx`: answers that did. `users`: how many asked, where they were told a pace, else 0."""

    scenario: str
    entrant: str
    number: int
    requests: int
    seconds: float
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    p999_ms: float | None
    errors: int
    not_2xx: int
    cpu_s: float
    generator_share: float
    users: int = 0

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds if self.seconds else 0.0

    @property
    def is_saturated(self) -> bool:
        """Whether the generator, not the server, was what gave out."""
        return self.generator_share > 0.9

    @property
    def is_clean(self) -> bool:
        """Whether everything asked was answered well."""
        return self.requests > 0 and not self.errors and not self.not_2xx


class Figure(Struct, frozen=True):
    """One value of one round, from 1; `what` is a key of QUANTITIES, whose unit the value has."""

    entrant: str
    what: str
    number: int
    value: float


class Part(Struct):
    """One kind of measurement on some entrants: loads have rounds, the others figures. `is_complete` is False where it
    was cut off: what stands in it had ended by then."""

    kind: str
    title: str
    settings: Settings
    scenarios: list[str]
    entrants: list[Entrant]
    rounds: list[Round] = []
    figures: list[Figure] = []
    is_complete: bool = False

    def of(self, scenario: str, entrant: str) -> list[Round]:
        """The rounds of one entrant in one scenario."""
        return [each for each in self.rounds if each.scenario == scenario and each.entrant == entrant]

    def values(self, entrant: str, what: str) -> dict[int, float]:
        """Of one quantity of one entrant, by round."""
        return {each.number: each.value for each in self.figures if each.entrant == entrant and each.what == what}

    def whats(self) -> list[str]:
        """The quantities of which there is any figure, in the order in which they came."""
        return list(dict.fromkeys(each.what for each in self.figures))


class Result(Struct):
    """All that a command measured. `command`: its words."""

    made_at: str
    version: str
    command: list[str]
    machine: Machine
    parts: list[Part]
    took_s: float = 0.0
    format: int = FORMAT

    @property
    def is_complete(self) -> bool:
        """Whether no part was cut off."""
        return all(each.is_complete for each in self.parts)


class _Format(Struct):
    format: int


def save(result: Result, path: Path) -> None:
    """Write it, whole or not at all. OSError where that fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n")
        beside.replace(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            beside.unlink()


def load(path: Path) -> Result:
    """Read it. ResultError where it can't be read or understood."""
    try:
        data = path.read_bytes()
        found = msgspec.json.decode(data, type=_Format).format
        if found != FORMAT:
            raise ResultError(f"{path}: has format {found}, and this version of circus-stack reads {FORMAT}")
        return msgspec.json.decode(data, type=Result)
    except OSError as error:
        raise ResultError(f"{path}: {error.strerror}") from None
    except msgspec.MsgspecError as error:
        raise ResultError(f"{path}: is no result of `circus-stack bench`: {error}") from None
