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
    cpu = sample.cpu
    if cpu is None:
        # The first sample: since the process began.
        cpu = round(100.0 * sample.cpu_time / age, 2) if age > 0 else 0.0
    return {
        "mem_info1": format_bytes(sample.rss),
        "mem_info2": format_bytes(sample.vms),
        "cpu": cpu,
        "mem": round(100.0 * sample.rss / total_memory, 3),
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


def watcher_fields(processes: Iterable[Fields], totals: Totals, now: float) -> Fields:
    """What sums a watcher up: Circus's average of `cpu`, sum of `mem` and highest `age`, then the sums as numbers."""
    found = list(processes)
    return {
        "pid": [each["pid"] for each in found],
        "cpu": sum(each["cpu"] for each in found) / len(found) if found else 0.0,
        "mem": sum(each["mem"] for each in found),
        "age": max((each["age"] for each in found), default="N/A"),
        **totals_fields(totals, now),
    }


def totals_fields(totals: Totals, now: float) -> Fields:
    """The sums under names that Circus doesn't use: `cpu_sum` is percent of one core."""
    fields = structs.asdict(totals)
    return {"cpu_sum": fields.pop("cpu"), **fields, "time": now}
