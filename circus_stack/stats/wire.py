"""What the statistics channel says: Circus's topics and fields, with plain numbers beside its texts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import structs

from circus_stack.protocol.figures import format_bytes, format_cpu_time
from circus_stack.stats.aggregate import Totals
from circus_stack.stats.collect.particulars import Particulars
from circus_stack.stats.collect.sampler import Sample

Fields = dict[str, Any]

# The watcher's name under which Circus tells of the arbiter itself.
OWN = "circus"


def process_fields(
    sample: Sample, who: Particulars, *, now: float, total_memory: int, name: str | None, details: Mapping[str, Any]
) -> Fields:
    """One process, its descendants summed. The keys up to `name` are Circus's; bytes and seconds stand in ours."""
    age = max(0.0, now - who.created)
    return {
        "mem_info1": format_bytes(sample.rss),
        "mem_info2": format_bytes(sample.vms),
        "cpu": _cpu(sample, age),
        "mem": _share(sample.rss, total_memory),
        "ctime": format_cpu_time(sample.cpu_time),
        "pid": who.pid,
        "username": who.username,
        "nice": sample.own.nice,
        "create_time": who.created,
        "age": age,
        "cmdline": who.base_name,
        "children": [],
        "subtopic": who.pid,
        "name": name,
        "rss": sample.rss,
        "vms": sample.vms,
        "cpu_time": sample.cpu_time,
        "threads": sample.threads,
        "family": sample.family,
        "argv": who.argv,
        "time": now,
        **details,
    }


def _cpu(sample: Sample, age: float) -> float:
    """Percent of one core; at the first sample since the process began."""
    if sample.cpu is not None:
        return sample.cpu
    return round(100.0 * sample.cpu_time / age, 2) if age > 0 else 0.0


def _share(rss: int, total_memory: int) -> float:
    """Percent of the machine's memory."""
    return round(100.0 * rss / total_memory, 3)


def watcher_fields(
    processes: Mapping[int, tuple[Sample, Particulars]], totals: Totals, *, now: float, total_memory: int
) -> Fields:
    """What sums a watcher up: Circus's average of `cpu`, sum of `mem` and highest `age`, then the sums as numbers."""
    ages = {pid: max(0.0, now - who.created) for pid, (_, who) in processes.items()}
    cpu = sum(_cpu(sample, ages[pid]) for pid, (sample, _) in processes.items())
    return {
        "pid": list(processes),
        "cpu": cpu / len(processes) if processes else 0.0,
        "mem": sum(_share(sample.rss, total_memory) for sample, _ in processes.values()),
        "age": max(ages.values(), default="N/A"),
        **totals_fields(totals, now),
    }


def socket_fields(known: Mapping[str, Any], now: float) -> Fields:
    """One listening socket. The keys up to `address` are Circus's; `reads` are the connections accepted since the tick
    before."""
    fd = known["fd"]
    return {
        "fd": fd,
        "subtopic": fd,
        "reads": known.get("reads", 0),
        "address": address_of(known),
        "name": known.get("name"),
        "queued": known.get("queued"),
        "limit": known.get("limit"),
        "drops": known.get("drops"),
        "backlog": known.get("backlog"),
        "accepted_per_s": known.get("accepted_per_s"),
        "time": now,
    }


def sockets_fields(sockets: Iterable[Mapping[str, Any]], now: float) -> Fields:
    """The sum over the sockets: Circus's `addresses` and `reads`, then ours, over those of which it is known. What is
    accepted is None where nobody knows it of a socket that somebody has."""
    found = list(sockets)
    is_known = all(each.get("accepted_per_s") is not None for each in found if each.get("watchers"))
    return {
        "addresses": [address_of(each) for each in found],
        "reads": sum(each.get("reads", 0) for each in found),
        "queued": sum(each.get("queued") or 0 for each in found),
        "drops": sum(each.get("drops") or 0 for each in found),
        "accepted_per_s": round(sum(each.get("accepted_per_s") or 0.0 for each in found), 2) if is_known else None,
        "time": now,
    }


def address_of(listed: Mapping[str, Any]) -> str:
    """As Circus has it: `HOST:PORT`, or the path of a unix socket."""
    return str(listed["path"]) if "path" in listed else f"{listed.get('host')}:{listed.get('port')}"


def stack_fields(totals: Totals, now: float, total_memory: int) -> Fields:
    """The sums over the stack, and bytes of memory that the machine has."""
    return {**totals_fields(totals, now), "total_memory": total_memory}


def totals_fields(totals: Totals, now: float) -> Fields:
    """The sums under names that Circus doesn't use: `cpu_sum` is percent of one core."""
    fields = structs.asdict(totals)
    return {"cpu_sum": fields.pop("cpu"), **fields, "time": now}
