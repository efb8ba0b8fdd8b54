"""From the plan of a process to what a zygote is told: its own plan, and the births that it is asked for. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from chaussette.zygote.messages import CONTROL_VARIABLE, MOST_BYTES, MOST_FDS, Birth, Fork, encode_fork
from circus_stack.system.spawn import SpawnPlan

# Speaks for one process: each worker gets its own.
_NOTIFY = "NOTIFY_SOCKET"
# One birth more than this in a packet gains nothing: the midwife's own fork is shared by then.
_MOST_BIRTHS = 32


class Packet(Struct, frozen=True):
    """A request: the bytes, and the descriptors beside them. It asks for so many births; its answer has its number."""

    data: bytes
    fds: tuple[int, ...]
    count: int
    number: int


def zygote_plan(plan: SpawnPlan, control_fd: int) -> SpawnPlan:
    """The plan of the zygote out of that of one of its workers: the same program as the same user under the same
    limits, which its forks inherit, without sockets and without a word to the notify socket."""
    env = {name: value for name, value in plan.env.items() if name != _NOTIFY}
    return replace(
        plan,
        env={**env, CONTROL_VARIABLE: str(control_fd)},
        pass_fds=(control_fd,),
        moved_fds={},
        stdin_fd=None,
        tells_pid=False,
    )


def packets(
    plans: Sequence[SpawnPlan], gate_fds: Sequence[int], zygote_env: Mapping[str, str], numbers: Iterator[int]
) -> Iterator[Packet]:
    """The requests for these processes, in their order, each with the next of the `numbers`; each process has a gate.
    Raises ValueError where one alone is too large: its environment differs from the zygote's by far too much."""
    number = next(numbers)
    births: list[Birth] = []
    table: dict[int, int] = {}
    size = 0
    for plan, gate_fd in zip(plans, gate_fds, strict=True):
        longer = {fd: place for place, fd in enumerate(dict.fromkeys((*table, *_numbers(plan).values(), gate_fd)))}
        birth = _birth(plan, gate_fd, longer, zygote_env)
        bytes_more = len(encode_fork(Fork((birth,), number)))
        if births and (len(longer) > MOST_FDS or size + bytes_more > MOST_BYTES or len(births) == _MOST_BIRTHS):
            yield _packet(births, table, number)
            number, births, size = next(numbers), [], 0
            longer = {fd: place for place, fd in enumerate(dict.fromkeys((*_numbers(plan).values(), gate_fd)))}
            birth = _birth(plan, gate_fd, longer, zygote_env)
        if bytes_more > MOST_BYTES:
            raise ValueError(f"what a worker is to be told takes {bytes_more} bytes; {MOST_BYTES} can be sent at most")
        births.append(birth)
        table, size = longer, size + bytes_more
    if births:
        yield _packet(births, table, number)


def _packet(births: Sequence[Birth], table: Mapping[int, int], number: int) -> Packet:
    return Packet(encode_fork(Fork(tuple(births), number)), tuple(table), len(births), number)


def _numbers(plan: SpawnPlan) -> dict[int, int]:
    """The process's number of each descriptor -> ours. Without stdin it has the zygote's, which is /dev/null."""
    standard = {1: plan.stdout_fd, 2: plan.stderr_fd}
    if plan.stdin_fd is not None:
        standard[0] = plan.stdin_fd
    return {**standard, **{fd: fd for fd in plan.pass_fds}, **plan.moved_fds}


def _birth(plan: SpawnPlan, gate_fd: int, places: Mapping[int, int], zygote_env: Mapping[str, str]) -> Birth:
    changes: dict[str, str | None] = {name: value for name, value in plan.env.items() if zygote_env.get(name) != value}
    changes |= {name: None for name in zygote_env if name not in plan.env and name != CONTROL_VARIABLE}
    fds = {number: places[ours] for number, ours in _numbers(plan).items()}
    return Birth(tuple(plan.argv), changes, fds, places[gate_fd])
