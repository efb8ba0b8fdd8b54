"""The page itself: series made of what is known now. Names have their units, counters end in `_total`. Pure.

Series are of watchers and sockets, not of processes: those come and go, and a time series each would be left behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from circus_stack.stats.metrics.figures import KnownFigures
from circus_stack.stats.metrics.served import Served
from circus_stack.stats.metrics.tally import COUNTED, EXITS, RELOADS, Tally

Fields = Mapping[str, Any]
_NOTHING: Fields = {}

_STATES = ("active", "starting", "stopping", "stopped", "failed")
_CLASSES = ("other", "1xx", "2xx", "3xx", "4xx", "5xx")
# The upper edges of the histogram, in seconds: each is where a bucket of the scoreboard ends, 1 ms and doublings of it.
EDGES_S = tuple(4096e-9 * 2**power for power in range(8, 25))

_COUNTED_HELP = {
    "starts": "Processes that were started.",
    "hangs": "Workers that were ended since their loop stood still.",
    "health_failures": "Times that health probes failed so often that processes were replaced.",
    "memory_exceeded": "Processes over max_memory or max_memory_hard.",
    "limit_kills": "Processes that the kernel killed for a limit.",
    "hook_failures": "Hooks that failed.",
    "give_ups": "Times that the watcher was given up.",
}


def families(known: KnownFigures, version: str) -> Iterator[Metric]:
    """All series."""
    build = GaugeMetricFamily("circus_build_info", "Version of circus-stack; always 1.", labels=["version"])
    build.add_metric([version], 1)
    yield build
    yield GaugeMetricFamily("circus_up", "1 if the arbiter answers.", value=1 if known.status else 0)
    yield from _states(known)
    yield from _events(known)
    yield from _usage(known)
    yield from _transfers(known.slow_counts)
    yield from _serving(known.served)
    yield from _sockets(known.sockets)
    yield CounterMetricFamily("circus_stats_ticks", "Rounds of samples.", value=known.ticks)
    yield GaugeMetricFamily(
        "circus_stats_tick_delay_max_seconds", "How late the latest round of samples began.", value=known.latest_s
    )


def _states(known: KnownFigures) -> Iterator[Metric]:
    statuses: Fields = known.status.get("statuses", _NOTHING)
    watchers: Fields = known.status.get("watchers", _NOTHING)
    state = GaugeMetricFamily(
        "circus_watcher_state", "1 for the state that the watcher is in.", labels=["watcher", "state"]
    )
    wanted = _gauge("circus_watcher_wanted_processes", "Processes that the watcher is to have.")
    ends = {
        "least": _gauge("circus_watcher_least_processes", "Lower end of the range that the watcher is scaled within."),
        "most": _gauge("circus_watcher_most_processes", "Upper end of that range."),
    }
    ready = _gauge("circus_watcher_ready_processes", "Processes that are ready.")
    running = _gauge("circus_watcher_processes", "Processes that run, whatever their state.")
    dropped = _counter("circus_watcher_log_lines_dropped", "Lines that no sink took.")
    for name, now in statuses.items():
        for each in _STATES:
            state.add_metric([name, each], 1 if each == now else 0)
        told: Fields = watchers.get(name, _NOTHING)
        processes = told.get("processes", ())
        for end, number in (told.get("range") or _NOTHING).items():
            if end in ends:
                ends[end].add_metric([name], number)
        wanted.add_metric([name], told.get("wanted") or 0)
        ready.add_metric([name], sum(each.get("state") == "ready" for each in processes))
        running.add_metric([name], len(processes))
        dropped.add_metric([name], _dropped(told.get("dropped_lines")))
    yield from (state, wanted, *ends.values(), ready, running, dropped)


def _dropped(told: Any) -> float:
    """A number, or one for each stream."""
    if isinstance(told, Mapping):
        return sum(_dropped(each) for each in told.values())
    return float(told) if isinstance(told, int | float) else 0.0


def _events(known: KnownFigures) -> Iterator[Metric]:
    names = sorted({*known.tally, *known.status.get("statuses", _NOTHING)})
    for what in COUNTED:
        yield _of_watchers(_counter(f"circus_watcher_{what}", _COUNTED_HELP[what]), names, _count_of(known.tally, what))
    restarts = _counter("circus_watcher_restarts", "Processes that ended though nobody had asked them to.")
    yield _of_watchers(restarts, names, known.tally.restarts)
    yield _with_kinds(known.tally, names, "circus_watcher_exits", "Processes that ended, by how.", "exit", EXITS)
    results = tuple(RELOADS.values())
    yield _with_kinds(known.tally, names, "circus_watcher_reloads", "Reloads that ended, by how.", "reload", results)


def _count_of(tally: Tally, what: str) -> Callable[[str], int]:
    return lambda name: tally.count(name, what)


def _of_watchers(family: CounterMetricFamily, names: Sequence[str], count: Callable[[str], int]) -> CounterMetricFamily:
    for name in names:
        family.add_metric([name], count(name))
    return family


def _with_kinds(
    tally: Tally, names: Sequence[str], metric: str, help: str, prefix: str, kinds: Sequence[str]
) -> CounterMetricFamily:
    family = CounterMetricFamily(metric, help, labels=["watcher", "result"])
    for name in names:
        for kind in kinds:
            family.add_metric([name, kind], tally.count(name, f"{prefix}_{kind}"))
    return family


def _usage(known: KnownFigures) -> Iterator[Metric]:
    cpu = _counter("circus_watcher_cpu_seconds", "CPU that the processes and their descendants used.")
    for name, seconds in known.cpu_seconds.items():
        cpu.add_metric([name], seconds)
    yield cpu
    held = _counter("circus_watcher_throttled_seconds", "Time for which the watcher's control group was held back.")
    for name, totals in known.totals.items():
        if totals.get("group_throttled") is not None:
            held.add_metric([name], totals["group_throttled"])
    yield held
    for metric, key, help in (
        ("circus_watcher_resident_memory_bytes", "rss", "Resident memory, what is shared counted in full."),
        ("circus_watcher_proportional_memory_bytes", "pss", "Memory, what is shared counted by its part."),
        ("circus_watcher_unique_memory_bytes", "uss", "Memory that is not shared."),
        ("circus_watcher_shared_memory_bytes", "shared", "Resident memory that is shared, counted for each process."),
        ("circus_watcher_virtual_memory_bytes", "vms", "Address space."),
        ("circus_watcher_group_memory_bytes", "group_memory", "Memory that the watcher's control group counts."),
        ("circus_watcher_group_memory_limit_bytes", "group_memory_limit", "Memory that the group may use."),
        ("circus_watcher_threads", "threads", "Threads."),
        ("circus_watcher_open_files", "files", "Open descriptors."),
        ("circus_watcher_busy_workers", "busy", "Workers that have a request under way."),
    ):
        family = _gauge(metric, help)
        for name, totals in known.totals.items():
            if totals.get(key) is not None:
                family.add_metric([name], totals[key])
        yield family


def _transfers(counts: Mapping[str, Mapping[str, int]]) -> Iterator[Metric]:
    switches = CounterMetricFamily(
        "circus_watcher_context_switches",
        "How often processes had to wait (voluntary), or were made to (involuntary).",
        labels=["watcher", "kind"],
    )
    read = _counter("circus_watcher_disk_read_bytes", "Bytes read from the disk.")
    written = _counter("circus_watcher_disk_written_bytes", "Bytes written to the disk.")
    for name, each in counts.items():
        for kind in ("voluntary", "involuntary"):
            switches.add_metric([name, kind], each[f"{kind}_switches"])
        read.add_metric([name], each["read_bytes"])
        written.add_metric([name], each["written_bytes"])
    yield from (switches, read, written)


def _serving(served: Mapping[str, Served]) -> Iterator[Metric]:
    requests = CounterMetricFamily(
        "circus_http_requests", "Requests that are over, by class of status.", labels=["watcher", "status"]
    )
    failures = _counter("circus_http_request_failures", "Requests in which the application raised.")
    accepted = _counter("circus_http_connections_accepted", "Connections that workers accepted.")
    sent = _counter("circus_http_response_body_bytes", "Bytes of response bodies, where they can be known.")
    in_flight = _gauge("circus_http_requests_in_flight", "Requests under way.")
    durations = HistogramMetricFamily(
        "circus_http_request_duration_seconds", "How long requests took.", labels=["watcher"]
    )
    for name, each in served.items():
        for kind, count in zip(_CLASSES, each.statuses, strict=True):
            requests.add_metric([name, kind], count)
        failures.add_metric([name], each.failures)
        if each.known_accepted is not None:
            accepted.add_metric([name], each.known_accepted)
        sent.add_metric([name], each.sent)
        in_flight.add_metric([name], each.in_flight)
        durations.add_metric([name], _histogram(each), each.latency_s)
    yield from (requests, failures, accepted, sent, in_flight, durations)


def _histogram(served: Served) -> list[tuple[str, float]]:
    counts = served.cumulated(EDGES_S)
    return [*((repr(edge), count) for edge, count in zip(EDGES_S, counts, strict=True)), ("+Inf", sum(served.buckets))]


def _sockets(sockets: Sequence[Fields]) -> Iterator[Metric]:
    for metric, key, help in (
        ("circus_socket_queued_connections", "queued", "Connections that wait to be accepted."),
        ("circus_socket_queue_limit_connections", "limit", "Connections that may wait."),
    ):
        gauge = GaugeMetricFamily(metric, help, labels=["socket"])
        _add_sockets(gauge, sockets, key)
        yield gauge
    drops = CounterMetricFamily(
        "circus_socket_dropped_connections", "Connections that were turned away.", labels=["socket"]
    )
    _add_sockets(drops, sockets, "drops")
    yield drops
    accepted = CounterMetricFamily(
        "circus_socket_accepted_connections",
        "Connections that workers accepted, of sockets whose workers have no other.",
        labels=["socket"],
    )
    _add_sockets(accepted, sockets, "accepted")
    yield accepted


def _add_sockets(family: GaugeMetricFamily | CounterMetricFamily, sockets: Sequence[Fields], key: str) -> None:
    for each in sockets:
        if each.get(key) is not None:
            family.add_metric([str(each.get("name", ""))], each[key])


def _gauge(name: str, help: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help, labels=["watcher"])


def _counter(name: str, help: str) -> CounterMetricFamily:
    return CounterMetricFamily(name, help, labels=["watcher"])
