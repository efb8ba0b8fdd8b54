"""What is measured beside requests: each quantity with its unit, and which way is better."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

Unit = Literal["s", "ms", "%", "MiB", "/s", ""]


class Quantity(Struct, frozen=True):
    """`heading`: of its column, without the unit. `better`: less or more of it. `help`: what exactly is measured.
    `is_counted`: a whole number of which any that is worse counts, as of failed requests; no noise excuses it."""

    key: str
    heading: str
    unit: Unit
    help: str
    better: Literal["less", "more"] = "less"
    is_counted: bool = False


QUANTITIES: Mapping[str, Quantity] = {
    each.key: each
    for each in (
        Quantity("first-answer", "first answer", "s", "from the start of the program to its first answer"),
        Quantity("all-up", "all up", "s", "until none of its processes has work any more"),
        Quantity("rss", "RSS", "MiB", "resident memory of all its processes, summed"),
        Quantity("pss", "PSS", "MiB", "memory of all its processes, shared pages split among those that share them"),
        Quantity("pss-worker", "PSS/worker", "MiB", "that, divided by the workers"),
        Quantity("rss-worker", "RSS of a worker", "MiB", "resident memory of the middle one of the workers"),
        Quantity("cold-reload", "reload", "s", "without load: until new workers answer and the old ones are gone"),
        Quantity("reload", "reload", "s", "under load: until new workers answer and the old ones are gone"),
        Quantity(
            "failed", "failed", "", "requests under load that got no answer, or one of a failure", is_counted=True
        ),
        Quantity("closed", "closed", "", "those of them whose connection the server closed", is_counted=True),
        Quantity("steady-p99", "p99 before", "ms", "latency that 99 of 100 requests stay below, without a reload"),
        Quantity("rolling-p99", "p99 rolling", "ms", "the same while reload follows reload"),
        Quantity("rolling-served", "served rolling", "/s", "requests answered in that time", better="more"),
        Quantity("start", "start", "s", "until all processes run"),
        Quantity("stop", "stop", "s", "until all are gone"),
        Quantity(
            "respawn", "respawn", "ms", "from kill -9 of a process until its successor runs; the middle of several"
        ),
        Quantity("manager-cpu", "idle CPU", "%", "of one processor, of the manager while nothing happens"),
        Quantity("manager-rss", "manager RSS", "MiB", "resident memory of the manager"),
        Quantity("ask", "who runs", "ms", "until a client knows the pids of all; the middle of many"),
        Quantity("ask-p99", "who runs p99", "ms", "the same; 99 of 100 are faster"),
        Quantity(
            "deaf-p99", "p99 beside a stop", "ms", "of a short question while a process that ignores SIGTERM is stopped"
        ),
        Quantity(
            "log-time", "log lines", "s", "until 100 MB of lines of 100 bytes that a process wrote are in the file"
        ),
        Quantity("log-cpu", "log CPU", "s", "what the manager needed of a processor for them"),
        Quantity("with-stats-cpu", "CPU with statistics", "%", "manager and statistics of all processes, each second"),
        Quantity("statsd-cpu", "circusd-stats CPU", "%", "of one processor, with nobody subscribed"),
        Quantity("statsd-read-cpu", "circusd-stats CPU, read", "%", "with a subscriber to everything"),
        Quantity("statsd-rss", "circusd-stats RSS", "MiB", "its resident memory"),
        Quantity("statsd-tick", "latest tick", "ms", "how late the latest of its samples began"),
        Quantity("told-1", "told of 30 %", "%", "what is told of a process that burns 30 % of a processor"),
        Quantity("told-10", "told of 30 %, 10 clients", "%", "the same while ten clients ask without a pause"),
    )
}
