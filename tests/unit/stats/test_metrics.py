"""The page of metrics: counters that never fall, the text, and the head of a request."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from chaussette.scoreboard.histogram import bucket_of
from chaussette.scoreboard.layout import BUCKET_COUNT
from chaussette.scoreboard.rates import Rates
from circus_stack.stats.collect.reading import Reading
from circus_stack.stats.collect.sampler import Sample
from circus_stack.stats.metrics.exporter import _Once
from circus_stack.stats.metrics.figures import KnownFigures
from circus_stack.stats.metrics.head import is_allowed, parse_head
from circus_stack.stats.metrics.page import EDGES_S, families
from circus_stack.stats.metrics.served import Served
from circus_stack.stats.metrics.tally import Tally
from circus_stack.stats.metrics.usage import CpuMeter

EXAMPLES = Path(__file__).parents[3] / "examples" / "monitoring"


def tally_of(*events: tuple[str, dict[str, Any]]) -> Tally:
    tally = Tally()
    for event, fields in events:
        tally.apply(event, {"watcher": "web", **fields})
    return tally


def test_ends_are_counted_by_how() -> None:
    tally = tally_of(
        ("spawn", {}),
        ("reap", {"expected": True, "exit_code": 0}),
        ("reap", {"expected": False, "exit_code": 3}),
        ("reap", {"expected": False, "exit_code": -9}),
        ("reap", {"expected": False, "exit_code": None}),
        ("reload", {}),
        ("reload_failed", {}),
        ("hung", {}),
        ("nobody knows it", {}),
    )
    counts = [tally.count("web", f"exit_{how}") for how in ("expected", "failed", "signaled")]
    assert (counts, tally.restarts("web"), tally.count("web", "starts"), tally.count("web", "hangs")) == (
        [1, 2, 1],
        3,
        1,
        1,
    )
    assert (tally.count("web", "reload_succeeded"), tally.count("web", "reload_failed")) == (1, 1)
    assert tally.restarts("other") == 0


def test_an_end_without_an_event_counts_once() -> None:
    tally = tally_of(("reap", {"process_pid": 1, "exit_code": 1}))
    tally.add_unheard({"web": [2]})
    assert tally.restarts("web") == 2
    # It was told after all; then that number came again.
    for event in ("reap", "spawn", "reap"):
        tally.apply(event, {"watcher": "web", "process_pid": 2, "exit_code": 1})
    assert tally.restarts("web") == 3
    tally.apply("remove", {"watcher": "web"})
    tally.apply("spawn", {})
    assert list(tally) == []


def sample(cpu_time: float, started: float = 1.0) -> Sample:
    own = Reading(cpu=0.0, children_cpu=0.0, rss=0, vms=0, threads=1, nice=0, started=started)
    return Sample(cpu=None, cpu_time=cpu_time, rss=0, vms=0, threads=1, own=own)


def test_cpu_never_falls() -> None:
    meter = CpuMeter()
    meter.add("web", {7: sample(2.0), 8: sample(1.0)})
    meter.add("web", {7: sample(2.5)})
    assert meter.seconds["web"] == 3.5
    # Another process of that number, then one that is said to have used less than before.
    meter.add("web", {7: sample(0.25, started=9.0)})
    meter.add("web", {7: sample(0.125, started=9.0)})
    assert meter.seconds["web"] == 3.75
    meter.keep((), ())
    assert meter.seconds == {}


def rates(*latencies_s: float, in_flight: int = 0) -> Rates:
    buckets = [0] * BUCKET_COUNT
    for each in latencies_s:
        buckets[bucket_of(int(each * 1e9))] += 1
    return Rates(
        seconds=1.0, requests=len(latencies_s), in_flight=in_flight, failures=1, sent=10, accepted=2,
        statuses=(0, 0, len(latencies_s), 0, 0, 0), buckets=tuple(buckets), latency_s=sum(latencies_s),
    )  # fmt: skip


def test_requests_are_cumulated_at_exact_edges() -> None:
    served = Served()
    served.add([rates(0.0005, 0.0015), rates(0.003, 70.0, in_flight=2)])
    served.add([])
    served.add([rates(in_flight=1)])
    assert served.cumulated(EDGES_S)[:4] == [1, 2, 3, 3]
    assert (served.cumulated(EDGES_S)[-1], sum(served.buckets)) == (3, 4)
    assert (served.in_flight, served.failures, served.statuses[2]) == (1, 3, 4)
    assert served.cumulated([10.0**9])[0] == 4


KNOWN = KnownFigures(
    status={
        "statuses": {'we"b': "active"},
        "watchers": {
            'we"b': {
                "wanted": 2,
                "range": {"least": 1, "most": 4},
                "processes": [{"state": "ready"}],
                "dropped_lines": {"stdout": 3},
            }
        },
    },
    tally=tally_of(("reap", {"watcher": 'we"b', "expected": False, "exit_code": 1})),
    cpu_seconds={'we"b': 1.5},
    totals={
        'we"b': {
            "rss": 4096,
            "pss": None,
            "vms": 8192,
            "threads": 3,
            "busy": 2,
            "group_memory": 7,
            "group_throttled": 0.0,
        }
    },
    served={'we"b': Served()},
    sockets=[{"name": "web", "queued": 1, "limit": 128, "drops": 2, "accepted": 9}],
    slow_counts={
        'we"b': {"voluntary_switches": 12, "involuntary_switches": 1, "read_bytes": 0, "written_bytes": 4096},
    },
    ticks=5,
    latest_s=0.25,
)


def page(known: KnownFigures) -> str:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Once(list(families(known, "1.2"))))
    return generate_latest(registry).decode()


def test_the_page_has_every_figure_once() -> None:
    values = {
        (each.name, *sorted(each.labels.items())): each.value
        for family in text_string_to_metric_families(page(KNOWN))
        for each in family.samples
    }
    web = ("watcher", 'we"b')
    assert values["circus_up",] == 1
    assert values["circus_watcher_state", ("state", "active"), web] == 1
    assert values["circus_watcher_state", ("state", "failed"), web] == 0
    assert values["circus_watcher_ready_processes", web] == 1
    assert values["circus_watcher_wanted_processes", web] == 2
    assert values["circus_watcher_least_processes", web] == 1
    assert values["circus_watcher_most_processes", web] == 4
    assert values["circus_watcher_log_lines_dropped_total", web] == 3
    assert values["circus_watcher_restarts_total", web] == 1
    assert values["circus_watcher_cpu_seconds_total", web] == 1.5
    assert values["circus_watcher_resident_memory_bytes", web] == 4096
    assert ("circus_watcher_proportional_memory_bytes", web) not in values
    assert values["circus_watcher_context_switches_total", ("kind", "voluntary"), web] == 12
    assert (values["circus_watcher_busy_workers", web], values["circus_watcher_group_memory_bytes", web]) == (2, 7)
    assert values["circus_watcher_throttled_seconds_total", web] == 0
    assert values["circus_watcher_disk_written_bytes_total", web] == 4096
    assert values["circus_socket_accepted_connections_total", ("socket", "web")] == 9
    assert values["circus_socket_queued_connections", ("socket", "web")] == 1
    assert values["circus_socket_dropped_connections_total", ("socket", "web")] == 2


def test_without_an_arbiter_there_are_still_figures() -> None:
    text = page(KnownFigures(status={}, tally=Tally(), cpu_seconds={"web": 1.0}, totals={}, served={}))
    assert "circus_up 0.0" in text
    assert 'circus_watcher_cpu_seconds_total{watcher="web"} 1.0' in text


def test_the_examples_name_series_that_there_are() -> None:
    there = {each.name for family in text_string_to_metric_families(page(KNOWN)) for each in family.samples}
    dashboard = json.loads((EXAMPLES / "grafana-dashboard.json").read_text())
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    expressions.append((EXAMPLES / "alerts.yml").read_text())
    named = {name for each in expressions for name in re.findall(r"\bcircus_[a-z_]+", each)}
    assert len(expressions) > 8
    assert named - there == set()


def test_the_head_of_a_request() -> None:
    head = parse_head(b"GET /metrics?x=1 HTTP/1.1\r\nHost: a\r\nAuthorization: bearer secret \r\n\r\n")
    assert (head.method, head.path, head.headers["host"]) == ("GET", "/metrics", "a")
    assert is_allowed(head, "secret")
    assert is_allowed(head, None)
    assert not is_allowed(head, "secre")
    assert not is_allowed(parse_head(b"GET / HTTP/1.1\r\n\r\n"), "secret")


@pytest.mark.parametrize(
    "data",
    [b"\r\n\r\n", b"GET /\r\n\r\n", b"GET / FTP/1\r\n\r\n", b"GET  / HTTP/1.1\r\n\r\n", b"GET x HTTP/1.1\r\n\r\n",
     b"GET / HTTP/1.1\r\nnothing\r\n\r\n", b"GET / HTTP/1.1\r\n x: y\r\n\r\n", b"GET / HTTP/1.1\r\n: y\r\n\r\n"],
)  # fmt: skip
def test_what_is_no_head_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="no "):
        parse_head(data)
