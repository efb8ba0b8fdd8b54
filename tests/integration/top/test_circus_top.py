"""circus-top beside a real stack: printed once, headless, and in a real terminal."""

from __future__ import annotations

import asyncio
import csv
import html
import json
import re
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from circus_stack.cli.ctl_reach import Tunnels
from circus_stack.cli.top_places import Wanted, places_of
from circus_stack.top.lines import View
from circus_stack.top.screen.app import TopApp
from tests.support.ports import free_port
from tests.support.processes import BIN
from tests.support.stack import Room, RunningStack, room
from tests.support.tmux import Tmux, terminal
from tests.support.waiting import PATIENCE_S, wait_until

_CHATTER = "import time\nwhile True: print('a line of chatter', flush=True); time.sleep(0.2)\n"
TOP = str(BIN / "circus-top")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with room(tmp_path_factory.mktemp("top")) as made:
        yield made


@pytest.fixture(scope="module")
def stats_endpoint() -> str:
    return f"tcp://127.0.0.1:{free_port()}"


@pytest.fixture(scope="module")
def stack(here: Room, stats_endpoint: str) -> RunningStack:
    (here.directory / "chatter.py").write_text(_CHATTER)
    ini = here.directory / "shop.ini"
    ini.write_text(
        f"""\
[circus]
endpoint = tcp://127.0.0.1:{free_port()}
pubsub_endpoint = tcp://127.0.0.1:{free_port()}
stats_endpoint = {stats_endpoint}
statsd = true
stats_interval = 0.5
[socket:web]
host = 127.0.0.1
port = {free_port()}
[watcher:chatter]
cmd = {sys.executable} {here.directory / "chatter.py"}
copy_env = true
[watcher:idle]
cmd = sleep 1000
numprocesses = 3
"""
    )
    made = here.circusd(str(ini))
    made.wait_pids(3, watcher="idle")
    return made


def printed(here: Room, *words: str) -> str:
    done = here.run("circus-top", *words, timeout_s=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def sampled(here: Room, stack: RunningStack) -> dict[str, Any]:
    """What `--json` says, once circusd-stats has sampled everybody."""

    def all_of_it() -> dict[str, Any] | None:
        [row] = json.loads(printed(here, "--json"))["stacks"]
        processes = [each for watcher in row["watchers"] for each in watcher["processes"]]
        return row if processes and all(each["figures"]["rss"] for each in processes) else None

    return wait_until(all_of_it, "figures of all processes", timeout_s=3 * PATIENCE_S, detail=stack.output)


# -- printed once ---------------------------------------------------------------------------------------------


def test_json_tells_states_and_figures(here: Room, stack: RunningStack) -> None:
    row = sampled(here, stack)
    watchers = {each["name"]: each for each in row["watchers"]}
    assert set(watchers) == {"chatter", "idle"}
    assert sorted(each["pid"] for each in watchers["idle"]["processes"]) == stack.pids("idle")
    assert (watchers["idle"]["state"], watchers["idle"]["wanted"]) == ("active", 3)
    assert row["figures"]["rss"] == sum(each["figures"]["rss"] for each in watchers.values())
    [web] = row["sockets"]
    # Nobody connects, and nobody accepts.
    assert (web["name"], web["queued"], web["limit"]) == ("web", 0, 2048)


def test_csv_and_text_say_the_same(here: Room, stack: RunningStack) -> None:
    rows = list(csv.DictReader(printed(here, "--csv").splitlines()))
    assert {row["pid"] for row in rows if row["pid"]} == {
        str(pid) for pid in stack.pids("idle") + stack.pids("chatter")
    }
    text = printed(here, "--once", "--filter", "idle", "--sort", "cpu")
    assert "idle 3/3" in text
    assert "chatter" not in text
    assert all(str(pid) in text for pid in stack.pids("idle"))


def test_a_statistics_channel_alone_is_enough(
    here: Room, stack: RunningStack, stats_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody is found from there, as on another machine: what is heard on the channel is all there is.
    env = {"XDG_RUNTIME_DIR": str(here.base / "t"), "TMPDIR": str(here.base)}
    done = here.run(
        "circus-top", "--endpoint", stats_endpoint, "--process-timeout", "5", "--csv", env=env, timeout_s=60
    )
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(done.stdout.splitlines()))
    assert {row["pid"] for row in rows if row["watcher"] == "idle" and row["pid"]} == {
        str(p) for p in stack.pids("idle")
    }
    assert {"chatter", "circus"} <= {row["watcher"] for row in rows}


def test_a_remote_arbiter_says_where_the_rest_is(here: Room, stack: RunningStack) -> None:
    endpoint = stack.call("globaloptions", option="endpoint")["options"]["endpoint"]
    done = here.run("circus-top", "--remote", endpoint, "--once", env={"XDG_RUNTIME_DIR": str(here.base / "t")})
    assert done.returncode == 0, done.stderr
    assert "idle 3/3" in done.stdout


def test_printing_imports_no_textual(here: Room, stack: RunningStack) -> None:
    code = (
        "import sys; from circus_stack.cli.circus_top import circus_top\n"
        "try: circus_top.main(sys.argv[1:], prog_name='circus-top')\n"
        "except SystemExit as end: status = end.code\n"
        "assert not status, status\n"
        "assert not {'textual', 'rich'} & set(sys.modules)\n"
    )
    (here.directory / "lazy.py").write_text(code)
    for words in (["--help"], ["--once"]):
        done = here.run("python", str(here.directory / "lazy.py"), *words, timeout_s=60)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ([], 2, "there is no terminal to draw on"),
        (["--once", "--stack", "nobody"], 1, "no running stack is called 'nobody'"),
        (["--once", "--remote", "tcp://127.0.0.1:1"], 1, "nobody listens at tcp://127.0.0.1:1"),
        (["--once", "--endpoint", "nonsense"], 1, "'nonsense'"),
    ],
)
def test_wrong_words_are_told_in_a_line(
    here: Room, stack: RunningStack, words: list[str], status: int, said: str
) -> None:
    done = here.run("circus-top", *words)
    assert (done.returncode, "Traceback" in done.stderr) == (status, False)
    assert said in done.stderr


# -- headless -------------------------------------------------------------------------------------------------


def text_of(app: TopApp) -> str:
    """The screen's text: what its picture has."""
    pieces = re.findall(r'<text[^>]*?\bx="([\d.]+)" y="([\d.]+)"[^>]*>(.*?)</text>', app.export_screenshot())
    rows: dict[float, list[tuple[float, str]]] = {}
    for x, y, piece in pieces:
        rows.setdefault(float(y), []).append((float(x), html.unescape(piece).replace("\xa0", " ")))
    return "\n".join("".join(piece for _, piece in sorted(row)) for _, row in sorted(rows.items()))


async def until(pilot: Pilot[None], condition: Callable[[str], object], what: str) -> str:
    """Let the app run until its screen fulfils a condition."""
    app = pilot.app
    assert isinstance(app, TopApp)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + 2 * PATIENCE_S
    while not condition(text := text_of(app)):
        assert loop.time() < deadline, f"waited in vain for {what}\n{text}"
        await pilot.pause(0.05)
    return text


def drive(
    here: Room,
    monkeypatch: pytest.MonkeyPatch,
    size: tuple[int, int],
    work: Callable[[Pilot[None]], Awaitable[None]],
    *,
    has_control: bool = False,
) -> None:
    """Run the app without a terminal and let `work` press its keys."""

    async def run() -> None:
        places = places_of(Wanted(), here.environ, Tunnels())
        app = TopApp(places, View(), has_control=has_control, silence_s=3.0)
        async with app.run_test(size=size) as pilot:
            await until(pilot, lambda text: "idle 3/3" in text and "RSS" in text, "the first rows")
            await work(pilot)

    monkeypatch.setenv("TMPDIR", here.environ["TMPDIR"])
    asyncio.run(run())


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
def test_looking_by_keys(
    here: Room, stack: RunningStack, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    idle = stack.pids("idle")

    async def work(pilot: Pilot[None]) -> None:
        await until(pilot, lambda text: all(str(pid) in text for pid in idle) and "SOCKET" in text, "the processes")
        await pilot.press("e")
        await until(pilot, lambda text: str(idle[0]) not in text, "folded watchers")
        await pilot.press("e", "c")
        await until(pilot, lambda text: "CPU%v" in text and str(idle[0]) in text, "a mark at the sorted column")
        await pilot.press("slash", *"idl", "enter")
        await until(pilot, lambda text: "chatter" not in text and "idle 3/3" in text, "the filtered rows")
        await pilot.press("escape", "n", "home", "enter")
        # Figures from before this look are there at once, and so is what was written.
        await until(pilot, lambda text: "watcher chatter" in text and "a line of chatter" in text, "the live log")
        await pilot.press("question_mark")
        await until(pilot, lambda text: "filter by name" in text and "idle 3/3" not in text, "the help")
        await pilot.press("x")
        await until(pilot, lambda text: "idle 3/3" in text, "the rows again")
        await pilot.press("K")
        await until(pilot, lambda text: "read-only" in text, "a refusal")

    drive(here, monkeypatch, size, work)
    assert stack.pids("idle") == idle


def test_control_asks_before_it_sends(here: Room, stack: RunningStack, monkeypatch: pytest.MonkeyPatch) -> None:
    before = stack.pids("idle")

    async def work(pilot: Pilot[None]) -> None:
        await pilot.press("n", "end")
        await until(pilot, lambda text: "NAME" in text or "WATCHER" in text, "the rows")
        await pilot.press("K")
        await until(pilot, lambda text: "Kill process" in text, "the question")
        await pilot.press("n")
        await until(pilot, lambda text: "Kill process" not in text, "no question")
        assert stack.pids("idle") == before
        await pilot.press("K", "y")
        await until(pilot, lambda text: "kill: accepted" in text, "the answer")
        await until(pilot, lambda text: "idle 3/3" in text and set(stack.pids("idle")) != set(before), "a successor")
        await pilot.press("plus", "y")
        await until(pilot, lambda text: "idle 4/4" in text, "one more")
        await pilot.press("minus", "y")
        await until(pilot, lambda text: "idle 3/3" in text, "one less")

    drive(here, monkeypatch, (100, 30), work, has_control=True)
    assert len(set(stack.wait_pids(3, watcher="idle")) & set(before)) == 2


# -- in a real terminal ---------------------------------------------------------------------------------------


def opened(here: Room, columns: int, rows: int, *words: str) -> Any:
    return terminal([TOP, *words], here.environ, here.directory, columns, rows)


def wait_rows(screen: Tmux) -> str:
    return screen.wait_shown("circus-top  shop", "idle 3/3", "chatter 1/1", "CPU", "? help")


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (200, 50)])
def test_in_a_terminal(here: Room, stack: RunningStack, columns: int, rows: int) -> None:
    with opened(here, columns, rows) as screen:
        wait_rows(screen)

        def fills_it() -> bool:
            lines = screen.screen().split("\n")
            is_whole = lines[0].startswith("circus-top  shop") and lines[rows - 1].strip().startswith("? help")
            return is_whole and max(map(len, lines)) <= columns

        # While it is drawn, and tmux still finds its size, a part of it may be seen.
        wait_until(fills_it, "a screen that is filled", detail=screen.screen, pause_s=0.1)
        assert ("THR" in wait_rows(screen)) == (columns > 100)
        screen.type("Enter")
        screen.wait_shown("watcher chatter", "a line of chatter", "CPU %")
        screen.resize(100, 30)
        screen.wait_shown("idle 3/3", "a line of chatter")
        screen.type("q")
        assert screen.wait_exit() == 0


def test_ctrl_c_and_a_kill_leave_the_terminal_as_it_was(here: Room, stack: RunningStack) -> None:
    with opened(here, 80, 24) as screen:
        wait_rows(screen)
        screen.type("C-c")
        assert screen.wait_exit() == 0
        assert "idle 3/3" not in screen.screen()
        assert "Traceback" not in screen.screen()


def test_a_stack_that_ends_is_told_of(here: Room, tmp_path: Path) -> None:
    """Of two, beside each other."""
    ini = tmp_path / "second.ini"
    ini.write_text(f"[circus]\nendpoint = tcp://127.0.0.1:{free_port()}\npubsub_endpoint = tcp://127.0.0.1:{free_port()}\n"
                   "[watcher:lonely]\ncmd = sleep 1000\n")  # fmt: skip
    second = here.circusd(str(ini))
    second.wait_pids(1, watcher="lonely")
    with opened(here, 120, 40) as screen:
        screen.wait_shown("2 stacks", "lonely 1/1", "idle 3/3", "no figures: circusd-stats doesn't run")
        assert second.stop() == 0
        screen.wait_shown("2 stacks", "second: no answer", "idle 3/3")
        screen.type("q")
        assert screen.wait_exit() == 0
