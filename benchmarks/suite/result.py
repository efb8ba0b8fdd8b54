"""What a run found, as records, and their JSON. A stored result can be reported and compared by later versions."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import msgspec
from msgspec import Struct

# Counts up with every change that an older reader would misunderstand.
FORMAT = 1


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
    """How it was measured. The processors are None where server and generator were not kept apart."""

    app: str
    workers: int
    rounds: int
    seconds: int
    connections: int
    server_cpus: list[int] | None
    generator_cpus: list[int] | None
    generator: str


class Entrant(Struct):
    """A contestant of the run. `failure`: why it was not measured, or not to the end, else None. Memory is the sum over
    its processes after the last round, in bytes."""

    name: str
    argv: list[str]
    versions: dict[str, str]
    start_s: float | None = None
    rss_bytes: int | None = None
    pss_bytes: int | None = None
    failure: str | None = None


class Round(Struct, frozen=True):
    """One load on one contestant. Latencies in ms, None where nothing was answered; `cpu_s` of all its processes;
    `generator_share`: how much of its processor the generator used, 0 to 1. `errors`: connections that failed;
    `not_2xx`: answers that did."""

    scenario: str
    contestant: str
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


class Start(Struct, frozen=True):
    """One start of a contestant, alone on the machine. `first_s`: until it answered, `settled_s`: until its processes
    had nothing more to do; memory is that of all of them then, in bytes."""

    contestant: str
    first_s: float
    settled_s: float
    rss_bytes: int
    pss_bytes: int


class Result(Struct):
    """A run of `kind` serve, which has rounds, or start, which has starts. `is_complete` is False where it was cut off:
    the rounds are those that ended."""

    kind: str
    made_at: str
    machine: Machine
    settings: Settings
    scenarios: list[str]
    entrants: list[Entrant]
    rounds: list[Round]
    version: str
    is_complete: bool = False
    starts: list[Start] = []
    format: int = FORMAT

    def of(self, scenario: str, contestant: str) -> list[Round]:
        """The rounds of one contestant in one scenario."""
        return [each for each in self.rounds if each.scenario == scenario and each.contestant == contestant]

    def starts_of(self, contestant: str) -> list[Start]:
        """The starts of one contestant."""
        return [each for each in self.starts if each.contestant == contestant]


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
        raise ResultError(f"{path}: is no result of `circus-stack bench run`: {error}") from None
