"""From what circusd-stats, or Circus's own, says to typed records; and what a subscriber is handed of it."""

from __future__ import annotations

import pytest

from circus_stack.client.stats.reading import history_of, record_of, snapshot_of
from circus_stack.client.stats.records import Figures, ProcessStats, Record, SocketStats, StackStats, WatcherStats
from circus_stack.client.stats.selection import Selection
from circus_stack.client.stats.whereabouts import Whereabouts, whereabouts_told
from circus_stack.errors import CallError


def record(topic: str, **fields: object) -> Record:
    found = record_of(topic, fields)
    assert found is not None
    return found


def test_a_process_of_ours() -> None:
    found = record(
        "stat.web.7",
        subtopic=7,
        cpu=12.5,
        rss=4096,
        mem_info1="4.00K",
        age=3.5,
        argv=["app", "-x"],
        cmdline="app",
        username="www",
        family=[8, 9],
        name=None,
        statuses={"2xx": 4},
        p99=0.25,
    )
    assert found == ProcessStats(
        watcher="web",
        pid=7,
        user="www",
        command="app -x",
        age=3.5,
        family=(8, 9),
        statuses={"2xx": 4},
        figures=Figures(cpu=12.5, rss=4096, p99=0.25),
    )


def test_a_process_of_circus_has_texts_and_says_what_it_does_not_know() -> None:
    found = record("stat.my.web.7", subtopic=7, cpu="N/A", mem_info1="1.50M", mem_info2="N/A", age="N/A", cmdline="py")
    assert isinstance(found, ProcessStats)
    assert (found.watcher, found.pid, found.command, found.age) == ("my.web", 7, "py", None)
    assert found.figures == Figures(rss=3 * 2**19)


def test_sums_and_sockets() -> None:
    web = record("stat.web", pid=[7, 8], cpu=2.0, cpu_sum=4.0, age=9.5)
    assert web == WatcherStats(watcher="web", pids=(7, 8), age=9.5, figures=Figures(cpu=4.0))
    assert record("total.stack", processes=3, rss=1) == StackStats(processes=3, figures=Figures(rss=1))
    circus = record("stat.sockets.9", subtopic=9, fd=9, address="127.0.0.1:80", reads=5)
    assert circus == SocketStats(name="9", fd=9, address="127.0.0.1:80", accepted_per_s=5.0)


def test_what_is_no_statistics_is_none() -> None:
    assert record_of("watcher.web.spawn", {"process_pid": 7}) is None
    assert record_of("stat.sockets", {"addresses": [], "reads": 0}) is None
    assert record_of("stat.web.x", {"subtopic": "x"}) is None
    nonsense = record("stat.web.7", subtopic=7, cpu=True, rss=[], family="8", statuses=[1], argv="x")
    assert nonsense == ProcessStats(watcher="web", pid=7)


def test_a_snapshot_has_the_names_that_watchers_have() -> None:
    found = snapshot_of(
        {
            "watchers": {"My Web": {"cpu_sum": 1.0, "restarts": 2, "interval": 0.5, "pids": {"7": {"cpu": 1.0}}}},
            "total": {"processes": 1, "time": 5.0},
            "sockets": [{"name": "web", "host": "::1", "port": 80, "queued": 2, "limit": 9, "drops": 1}],
            "ticks": 4,
            "latest_s": 0.5,
        }
    )
    assert found.watchers["My Web"].pids == (7,)
    assert (found.watchers["My Web"].restarts, found.watchers["My Web"].interval) == (2, 0.5)
    assert found.processes[7].figures.cpu == 1.0
    assert found.sockets == (SocketStats(name="web", address="::1:80", queued=2, limit=9, dropped=1),)
    assert (found.stack.time, found.ticks, found.latest_s) == (5.0, 4, 0.5)


def test_a_history_has_whatever_columns_there_are() -> None:
    found = history_of({"status": "ok", "time": 1.0, "name": "web", "step": 10, "times": [10, 20], "cpu": [1.0, None]})
    assert (found.watcher, found.step, found.times, found.columns) == ("web", 10, (10, 20), {"cpu": (1.0, None)})


@pytest.mark.parametrize("reply", [{}, {"watchers": [], "total": {}}, {"watchers": {"a": 1}, "total": {}}])
def test_a_reply_of_somebody_else_is_told(reply: dict[str, object]) -> None:
    with pytest.raises(CallError, match="none of circusd-stats"):
        snapshot_of(reply)
    with pytest.raises(CallError, match="none of circusd-stats"):
        history_of(reply)


WEB, WEB2 = record("stat.web.7", subtopic=7), record("stat.web2.7", subtopic=7)
SUM, STACK, SOCKET = (
    record("stat.web", pid=[7]),
    record("total.stack"),
    record("stat.sockets.9", subtopic=9, name="web"),
)


@pytest.mark.parametrize(
    ("selection", "topics", "taken"),
    [
        (Selection(), ("stat.", "total.stack"), [WEB, WEB2, SUM, STACK, SOCKET]),
        (Selection(watcher="web"), ("stat.web",), [WEB, SUM]),
        (Selection(watcher="WEB"), ("stat.web",), [WEB, SUM]),
        (Selection(watcher="web", pid=7), ("stat.web.7",), [WEB]),
        (Selection(pid=7), ("stat.",), [WEB, WEB2]),
        (Selection(pid=8), ("stat.",), []),
        (Selection(socket="web"), ("stat.sockets.",), [SOCKET]),
        (Selection(socket="9"), ("stat.sockets.",), [SOCKET]),
    ],
)
def test_selections(selection: Selection, topics: tuple[str, ...], taken: list[Record]) -> None:
    assert selection.topics() == topics
    assert [each for each in (WEB, WEB2, SUM, STACK, SOCKET) if selection.takes(each)] == taken


def test_a_socket_belongs_to_no_watcher() -> None:
    with pytest.raises(ValueError, match="name the one or the other"):
        Selection(watcher="web", socket="web")


def test_where_the_statistics_are() -> None:
    options = {"stats_endpoint": "tcp://0.0.0.0:5557", "stats_query_endpoint": None}
    found = whereabouts_told(options, "tcp://node2:5555")
    assert found.stats_or_refuse() == "tcp://node2:5557"
    with pytest.raises(CallError, match="statsd = true"):
        found.query_or_refuse()
    with pytest.raises(CallError, match="statsd = true"):
        Whereabouts().stats_or_refuse()
