"""The clients of circusd-stats beside a real stack: blocking, asyncio, gevent; here, and elsewhere with keys."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from circus_stack.api.stats.client import StatsClient as CircusStatsClient
from circus_stack.cli.keygen import keygen
from circus_stack.client.credentials import Credentials, read_credentials
from circus_stack.client.stats.aio import AsyncStatsClient
from circus_stack.client.stats.records import ProcessStats, Record, Snapshot, StackStats, WatcherStats
from circus_stack.client.stats.sync import StatsClient
from circus_stack.errors import CallError
from tests.support.ports import free_port
from tests.support.stack import Room, RunningStack, room
from tests.support.waiting import PATIENCE_S, wait_until

ROOT = Path(__file__).parents[3]
# Another greenlet counts while the client waits for records.
_GREEN = """\
import gevent.monkey; gevent.monkey.patch_all()
import os, sys, gevent
from circus_stack.client.stats.sync import StatsClient
turns = 0
def count():
    global turns
    while True:
        turns += 1
        gevent.sleep(0.01)
gevent.spawn(count)
with StatsClient.find(os.environ) as stats, stats.subscribe("idle") as records:
    for record, _ in zip(records, range(300)):
        if turns > 5:
            break
    print(record.watcher, len(stats.snapshot().watchers), turns > 5)
"""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with room(tmp_path_factory.mktemp("client")) as made:
        yield made


@pytest.fixture(scope="module")
def ports() -> dict[str, int]:
    return {name: free_port() for name in ("control", "events", "stats", "query")}


@pytest.fixture(scope="module")
def key(here: Room) -> Path:
    path, keys = here.directory / "viewer.key", here.directory / "keys"
    done = here.run("circus-stack", "keygen", "server", "--dir", str(keys))
    assert done.returncode == 0, done.stderr
    words = ["client", "viewer", "--role", "view", "-o", str(path), "--dir", str(keys)]
    made = CliRunner().invoke(keygen, words)
    assert made.exit_code == 0, made.output
    return path


@pytest.fixture(scope="module")
def stack(here: Room, ports: dict[str, int], key: Path) -> RunningStack:
    ini = here.directory / "stats.ini"
    ini.write_text(
        f"""\
[circus]
keys_dir = {key.parent / "keys"}
endpoint = tcp://127.0.0.1:{ports["control"]}
pubsub_endpoint = tcp://127.0.0.1:{ports["events"]}
stats_endpoint = tcp://127.0.0.1:{ports["stats"]}
stats_query_endpoint = tcp://127.0.0.1:{ports["query"]}
statsd = true
stats_interval = 0.2
[watcher:My.Idle]
cmd = sleep 1000
memory_max = 60M
[watcher:idle]
cmd = sleep 1000
numprocesses = 2
"""
    )
    made = here.circusd(str(ini))
    made.wait_pids(2, watcher="idle")
    made.wait_pids(1, watcher="circusd-stats")
    with StatsClient.find(here.environ, timeout_s=PATIENCE_S) as stats:
        wait_until(lambda: _are_all_sampled(stats), "a sample of everybody", detail=made.output)
    return made


def _are_all_sampled(stats: StatsClient) -> bool:
    try:
        return len(stats.snapshot().processes) == 3
    except CallError:
        return False


def first(records: Iterator[Record], is_wanted: Callable[[Record], bool]) -> Record:
    return next(each for each in records if is_wanted(each))


def check(snapshot: Snapshot, stack: RunningStack) -> None:
    assert set(snapshot.watchers) == {"idle", "My.Idle"}
    assert sorted(snapshot.watchers["idle"].pids) == stack.pids("idle")
    assert {each.watcher for each in snapshot.processes.values()} == {"idle", "My.Idle"}
    assert all(each.figures.rss for each in snapshot.processes.values())
    assert (snapshot.stack.processes, snapshot.watchers["idle"].interval) == (3, 0.2)


def test_the_blocking_client(here: Room, stack: RunningStack) -> None:
    [pid, other] = stack.pids("idle")
    with StatsClient.find(here.environ, timeout_s=PATIENCE_S) as stats:
        check(stats.snapshot(), stack)
        assert {"", "idle", "My.Idle"} <= set(stats.series())
        wait_until(lambda: stats.history("idle", since_s=600).times, "a history")
        assert stats.history("idle", since_s=600).columns["processes"][-1] == 2.0
        assert stats.history("nobody").times == ()
        alone = stats.history("idle", pid=pid, since_s=600)
        assert (alone.pid, alone.step, alone.columns["processes"][-1]) == (pid, 10, 1.0)
        assert stats.history("idle", pid=1).times == ()
        with stats.subscribe("idle") as records:
            assert records.join(PATIENCE_S)
            heard = {type(each): each for each, _ in zip(records, range(6), strict=False)}
        assert heard.keys() == {ProcessStats, WatcherStats}
        assert {each.watcher for each in heard.values() if not isinstance(each, StackStats)} == {"idle"}
        with stats.subscribe(pid=pid) as records:
            found = next(iter(records))
            assert isinstance(found, ProcessStats)
            assert (found.pid, found.command) == (pid, "sleep 1000")
        with stats.subscribe("My.Idle") as records:
            assert isinstance(first(iter(records), lambda each: isinstance(each, WatcherStats)), WatcherStats)
        with stats.subscribe("idle", pid=10**7 + other, silence_s=0.5) as records:
            assert records.receive(0.1) is None
            with pytest.raises(CallError, match="there is no such watcher"):
                next(iter(records))


def test_what_is_read_at_a_slow_pace(here: Room, stack: RunningStack) -> None:
    idle = stack.pids("idle")
    open_files = {pid: len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in idle}
    [boxed] = stack.pids("My.Idle")
    limit = 60 * 2**20 if _group_of(boxed) != _group_of(stack.pid) else None
    with StatsClient.find(here.environ, timeout_s=PATIENCE_S) as stats:

        def known() -> Snapshot | None:
            # A first reading may have been of a process that had not become its program yet.
            found = stats.snapshot()
            read = {pid: found.processes[pid].figures.files for pid in idle}
            is_summed = found.stack.figures.uss and found.watchers["idle"].figures.files == sum(open_files.values())
            grouped = [found.processes[boxed].figures, found.watchers["My.Idle"].figures]
            is_grouped = all(each.group_memory_limit == limit for each in grouped)
            return found if read == open_files and is_summed and is_grouped else None

        snapshot = wait_until(known, "a reading of everybody", timeout_s=2 * PATIENCE_S, detail=stack.output)
    for pid in idle:
        figures = snapshot.processes[pid].figures
        assert None not in (figures.pss, figures.uss, figures.shared, figures.read_bytes, figures.written_bytes)
        assert 0 < (figures.uss or 0) <= (figures.pss or 0)
        # It waits for its end, and has waited for its program to be read.
        assert (figures.voluntary_switches or 0) + (figures.involuntary_switches or 0) > 0
        assert figures.group_memory_limit is None


def _group_of(pid: int) -> list[str]:
    lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    return [line for line in lines if ":memory:" in line or line.startswith("0::")]


def test_the_asyncio_client(here: Room, stack: RunningStack) -> None:
    async def ask() -> None:
        async with AsyncStatsClient.find(here.environ, timeout_s=PATIENCE_S) as stats:
            snapshot, series, history = await asyncio.gather(stats.snapshot(), stats.series(), stats.history())
            check(snapshot, stack)
            assert "" in series
            assert history.watcher == ""
            with stats.subscribe("idle") as records:
                async for each in records:
                    assert isinstance(each, ProcessStats | WatcherStats)
                    break
            with (
                stats.subscribe(socket="nobody", silence_s=0.2) as records,
                pytest.raises(CallError, match="there is no such watcher"),
            ):
                await anext(aiter(records))

    asyncio.run(ask())


def test_other_greenlets_run_meanwhile(here: Room, stack: RunningStack) -> None:
    program = here.directory / "green.py"
    program.write_text(_GREEN)
    done = here.run("python", str(program), timeout_s=60)
    assert (done.returncode, done.stdout) == (0, "idle 2 True\n"), done.stderr


def test_from_elsewhere_with_a_key(stack: RunningStack, ports: dict[str, int], key: Path) -> None:
    endpoint = f"tcp://127.0.0.1:{ports['control']}"
    shown = read_credentials(key)
    with StatsClient.connect(endpoint, credentials=shown, timeout_s=PATIENCE_S) as stats:
        assert stats.where.query == f"tcp://127.0.0.1:{ports['query']}"
        check(stats.snapshot(), stack)
        wait_until(lambda: stats.history(since_s=600).times, "a history")
        with stats.subscribe("idle") as records:
            assert isinstance(next(iter(records)), ProcessStats | WatcherStats)

    async def ask() -> Snapshot:
        async with await AsyncStatsClient.connect(endpoint, credentials=shown, timeout_s=PATIENCE_S) as stats:
            return await stats.snapshot()

    check(asyncio.run(ask()), stack)


def test_by_circuss_name_with_a_key(stack: RunningStack, ports: dict[str, int], key: Path) -> None:
    with CircusStatsClient(f"tcp://127.0.0.1:{ports['stats']}", key=str(key)) as client:
        watcher, _, figures = next(iter(client))
    assert watcher in ("idle", "my-idle", "circus")
    assert figures


def test_nobody_is_let_in_without_a_key(stack: RunningStack, ports: dict[str, int], key: Path) -> None:
    with pytest.raises(CallError, match="lets in only who has a key"):
        StatsClient.connect(f"tcp://127.0.0.1:{ports['control']}", timeout_s=PATIENCE_S)
    known = read_credentials(key)
    # The same server, and a key that nobody has authorised.
    stranger = Credentials(known.server, known.secret, known.server)
    with pytest.raises(CallError):
        StatsClient.connect(f"tcp://127.0.0.1:{ports['control']}", credentials=stranger, timeout_s=2)


def test_what_was_used_is_printed(here: Room, stack: RunningStack) -> None:
    ctl = "circusctl"
    overview = here.run(ctl, "stats", "--since", "10m").stdout.splitlines()
    assert overview[0].split()[:3] == ["WATCHER", "CPU%", "MOST"]
    assert {line.split()[0] for line in overview[1:]} == {"idle", "My.Idle", "(all)"}
    points = [line.split() for line in here.run(ctl, "stats", "idle", "--since=600").stdout.splitlines()]
    assert points[0] == ["TIME", "PROCESSES", "CPU%", "RSS", "RPS", "P99", "BUSY"]
    assert points[-1][1] == "2"
    assert (int(points[-1][3]) > 4096, points[-1][4]) == (True, "-")
    pid = stack.pids("idle")[0]
    of_one = [line.split() for line in here.run(ctl, "stats", "--since", "10m", "idle", str(pid)).stdout.splitlines()]
    assert (of_one[0], of_one[-1][1], int(of_one[-1][3]) > 4096) == (points[0], "1", True)
    told = json.loads(here.run(ctl, "--json", "stats", "--since", "10m", "idle").stdout)
    assert [(each["watcher"], each["step"]) for each in told["series"]] == [("idle", 1)]
    assert here.run(ctl, "stats", "idle").stdout.count("sleep") == 2


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--since", "soon"], 2, "'soon' is no length of time"),
        (["--since", "-5"], 2, "'-5' is no length of time"),
        (["--since", "10m", "nobody"], 3, "nothing is remembered of 'nobody'; there is My.Idle, idle"),
        (["--since", "10m", "idle", "1"], 3, "nothing is remembered of process 1 of 'idle'"),
    ],
)
def test_wrong_words_are_told(here: Room, stack: RunningStack, words: list[str], status: int, said: str) -> None:
    done = here.run("circusctl", "stats", *words)
    assert (done.returncode, said in done.stderr, "Traceback" in done.stderr) == (status, True, False), done.stderr


def test_what_was_used_is_printed_elsewhere_with_a_key(
    here: Room, stack: RunningStack, ports: dict[str, int], key: Path
) -> None:
    at = ["--endpoint", f"tcp://127.0.0.1:{ports['control']}", "stats", "--since", "10m"]
    done = here.run("circusctl", "--key", str(key), *at)
    assert (done.returncode, "idle" in done.stdout) == (0, True), done.stderr
    refused = here.run("circusctl", *at)
    assert (refused.returncode, "lets in only who has a key" in refused.stderr) == (1, True)


def test_the_example_runs(here: Room, stack: RunningStack, ports: dict[str, int], key: Path) -> None:
    program = str(ROOT / "examples" / "monitoring" / "busiest.py")
    local = here.run("python", program, "--rounds", "2", timeout_s=60)
    assert local.returncode == 0, local.stderr
    assert local.stdout.count("3 processes, ") == 2
    assert all(str(pid) in local.stdout for pid in stack.pids("idle"))
    remote = ["--endpoint", f"tcp://127.0.0.1:{ports['control']}"]
    elsewhere = {**here.environ, "XDG_RUNTIME_DIR": str(here.base / "nowhere")}
    done = subprocess.run(
        [sys.executable, program, "--rounds", "1", *remote, "--key", str(key)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **elsewhere},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "sleep 1000" in done.stdout
    refused = here.run("python", program, "--rounds", "1", *remote, timeout_s=60)
    assert (refused.returncode, "lets in only who has a key" in refused.stderr) == (1, True)
    assert "Traceback" not in refused.stderr
