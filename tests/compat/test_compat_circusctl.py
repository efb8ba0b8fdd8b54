"""Circus's own circusctl steers our circusd, and prints and ends as with its own; so does ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase

import pytest

from tests.compat.compare import deviations
from tests.compat.compare import told as told_
from tests.compat.ctl import Ctl, Told
from tests.compat.daemons import OURS, THEIRS, start
from tests.compat.differences import intended, row
from tests.support.stack import Room

INI = """
[watcher:web]
cmd = sleep 600
numprocesses = 2
ready = delay:0.02

[watcher:Single]
cmd = sleep 600
singleton = True

[watcher:idle]
cmd = sleep 600
autostart = False
ready = delay:0.02

[socket:web]
host = 127.0.0.1
port = @port@
"""
COMMANDS = (
    *("list", "list web", "list WEB", "list nobody", "list a b", "status", "status web", "status idle"),
    *("status nobody", "numwatchers", "numwatchers a", "numprocesses", "numprocesses web", "numprocesses nobody"),
    *("options web", "options nobody", "options", "get web cmd numprocesses", "get web nothing", "get web"),
    *("get nobody cmd", "stats", "stats web", "stats nobody", "stats web 4194000", "dstats", "dstats a"),
    *("listsockets", "globaloptions", "globaloptions check_delay", "globaloptions nothing"),
    *("incr web", "incr web 2 --waiting", "incr single", "incr nobody", "incr", "decr web 2", "decr web --waiting"),
    *("decr single --waiting", "set web graceful_timeout 5", "set web graceful_timeout 6 stop_children true"),
    *("set web numprocesses 3 --waiting", "set web nothing 5", "set web", "set nobody graceful_timeout 5"),
    *("set web graceful_timeout", "get web graceful_timeout stop_children", "stop idle", "start idle --waiting"),
    *("stop idle --waiting", "stop nobody", "start w* --waiting", "start web --match simple", "start nobody"),
    *("restart web", "restart web --waiting", "restart w.b --match regex --waiting", "restart nobody"),
    *("reload web", "reload web --waiting", "reload web --terminate --waiting", "reload web --sequential --waiting"),
    *("reload nobody", "reload --waiting", "kill web", "kill web --waiting", "kill web --signum INT --waiting"),
    *("kill web --graceful_timeout 1 --waiting", "kill web 4194000", "kill nobody --waiting", "kill"),
    *("signal web CONT", "signal web SIGCONT", "signal web 18", "signal web CONT --children", "signal web"),
    *("signal web CONT --recursive", "signal nobody CONT", "add late sleep 600", "add --start later sleep 600"),
    *("status later", "add late sleep 601", "add late", "rm late", "rm later --waiting", "rm gone", "rm"),
    *("reloadconfig", "reloadconfig --waiting", "nothing", "--timeout 20 list"),
)
JSON = ("--json list", "--json list nobody", "--json --prettify status", "--json options web", "--json get web nothing")


@pytest.fixture(scope="module")
def told(place: Room) -> Iterator[dict[str, dict[str, Told]]]:
    """What was printed, by pair of circusctl and circusd. Ours comes last to ours, which both have then steered."""

    def run(pair: str) -> dict[str, Told]:
        ctl, circusd = pair.split(" to ")
        directory = place.directory / pair.replace(" ", "-")
        directory.mkdir()
        daemon = start(place, circusd, INI, directory=directory)
        try:
            with Ctl(ctl, daemon) as program:
                return program.run_all([*COMMANDS, *JSON]) | {"quit": program.run("quit", "--waiting")}
        finally:
            daemon.close()

    with ThreadPoolExecutor(len(PAIRS)) as pool:
        runs = {pair: pool.submit(run, pair) for pair in PAIRS}
        yield {pair: run.result() for pair, run in runs.items()}


REFERENCE, RELEASED_TO_OURS, ALL_OURS = f"{THEIRS} to {THEIRS}", f"{THEIRS} to {OURS}", f"{OURS} to {OURS}"
PAIRS = (REFERENCE, RELEASED_TO_OURS, ALL_OURS)

# Options whose values differ, and the text of an error that was a traceback: rows of the table of differences.
OTHER = ("__name__: *", "max_retry: *", "error: command b*: 'late' already exist")
# Circus's circusctl never says `waiting`, so that its circusd finds no fault: the row on refusals without waiting.
REFUSED = ("kill nobody --waiting",)

# Here ours prints the plan: the row on what reloadconfig tells.
CHANGES = ("reloadconfig --waiting",)

# A sentence of each one's own: the row on singletons.
SINGLE = ("incr single", "decr single --waiting")

# What our circusctl words in its own way: the usage, and what is wrong with a command line.
USAGE = (
    *("list a b", "numwatchers a", "options", "get web", "dstats a", "incr", "set web", "set web graceful_timeout"),
    *("set web nothing 5", "kill", "signal web", "add late", "rm", "nothing"),
)


@pytest.mark.parametrize("command", [*COMMANDS, "quit"])
def test_circus_s_circusctl_prints_the_same(command: str, told) -> None:
    theirs, ours = told[REFERENCE][command], told[RELEASED_TO_OURS][command]
    if command in REFUSED:
        assert (theirs.status, ours.status) == (0, 3) and intended("refusals without waiting")
        return

    assert ours.status == theirs.status, ours
    assert missing_lines(command, theirs, ours) == []


@pytest.mark.parametrize("command", [*COMMANDS, "quit"])
def test_our_circusctl_prints_the_same(command: str, told) -> None:
    theirs, ours = told[REFERENCE][command], told[ALL_OURS][command]
    if command in REFUSED:
        assert ours.status == 3
        return

    assert bool(ours.status) == bool(theirs.status), ours
    if command in CHANGES:
        assert ours.out.startswith("= [watcher:web] numprocesses: 2 -> 3"), ours
    elif command in SINGLE:
        assert intended("`incr` and `decr` of a singleton")
        assert (ours.status, ours.out) == (theirs.status, "a singleton keeps its one process: nothing has changed\n")
    elif command not in USAGE:
        assert ours.status == theirs.status, ours
        assert missing_lines(command, theirs, ours) == []


def missing_lines(command: str, theirs: Told, ours: Told) -> list[str]:
    """Lines of Circus's that ours lacks: ours may say more around them; what differs by intent does not count."""
    lines = ours.lines()
    missing = [line for line in theirs.lines() if not any(line in each for each in lines)]
    return [line for line in missing if not any(fnmatchcase(line, each) for each in OTHER)]


@pytest.mark.parametrize("command", JSON)
@pytest.mark.parametrize("pair", [RELEASED_TO_OURS, ALL_OURS])
def test_json_has_circus_s_keys(command: str, pair: str, told) -> None:
    theirs, ours = told[REFERENCE][command].json(), told[pair][command].json()

    found = [each for each in deviations(theirs, ours) if row("replies", "options", each) is None]
    # One of the commands was a reload of all.
    defects = [each for each in found if row("replies", "statuses after a reload of all", each) is None]
    assert not defects, told_(defects)


def test_prettified_json_is_one_key_a_line(told) -> None:
    for pair in PAIRS:
        text = told[pair]["--json --prettify status"].out
        assert text.startswith('{\n  "id": '), text
        assert json.dumps(json.loads(text), indent=2, sort_keys=True) == text.strip()


def test_an_error_is_an_error_with_json_too(told) -> None:
    assert intended("`--json` and errors")
    assert told[REFERENCE]["--json list nobody"].status == 0
    assert told[RELEASED_TO_OURS]["--json list nobody"].status == 0
    assert told[ALL_OURS]["--json list nobody"].status == 3
