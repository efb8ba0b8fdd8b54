"""Programs on gevent, patched and not, with an arbiter, clients and a consumer. Each ends by itself within a minute."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.integration.api.programs import output_of
from tests.support.processes import running
from tests.support.waiting import wait_until

PATCH = "from gevent import monkey; monkey.patch_all()\n"
BEGIN = """
import sys
import gevent
from circus_stack.api.green import get_arbiter
from circus_stack.api.green.client import CircusClient
from circus_stack.api.green.consumer import CircusConsumer
from circus_stack.errors import CircusStackError

# Whatever happens, also to the test: no program spins on.
gevent.get_hub().loop.timer(55).start(lambda: __import__("os")._exit(9))
ticks = []
def tick():
    while True:
        ticks.append(1)
        gevent.sleep(0.01)
gevent.spawn(tick)
def ticked():
    before, ticks[:] = len(ticks), []
    return before > 5
"""
ALONE = """
silent = CircusClient(endpoint=sys.argv[1], timeout=0.5)
try:
    silent.send_message("list")
except Exception as error:
    print(type(error).__name__, ticked())
silent.stop()
"""
MAKE = 'arbiter = get_arbiter([{"cmd": "sleep 300"}], *sys.argv[1:])\n'
EMBEDDED = """
ups = []
greenlet = gevent.spawn(arbiter.start, ups.append)
while not (arbiter.running and ups):
    assert not greenlet.ready(), greenlet.exception
    gevent.sleep(0.01)
consumer = CircusConsumer(["watcher.sleep."], endpoint=arbiter.pubsub_endpoint)
def consume():
    for topic, _ in consumer:
        return topic
consuming = gevent.spawn(consume)
client = CircusClient(endpoint=arbiter.endpoint)
print(client.send_message("list")["watchers"], arbiter.get_watcher("sleep").status())
while not consuming.ready():
    client.send_message("incr", name="sleep", waiting=True)
    gevent.sleep(0.1)
print(consuming.value.decode().rpartition(".")[0], ups)
client.stop()
arbiter.stop()
greenlet.get()
print(arbiter.running, arbiter.numprocesses(), arbiter.statuses())
"""


def run_green(endpoints: dict[str, str], *parts: str) -> str:
    """What a program on gevent prints."""
    return output_of("\n".join(parts), endpoints["controller"], endpoints["pubsub_endpoint"])


@pytest.mark.parametrize("patch", ["", PATCH], ids=["plain", "patched"])
def test_arbiter_client_and_consumer_let_other_greenlets_run(endpoints: dict[str, str], patch: str) -> None:
    assert run_green(endpoints, patch, BEGIN, ALONE, MAKE, EMBEDDED).splitlines() == [
        "CallError True",
        "['sleep'] active",
        "watcher.sleep [None]",
        "False 0 {'sleep': 'stopped'}",
    ]


BACKGROUND = """
arbiter = get_arbiter([{"cmd": "sleep 300", "name": "a b"}], *sys.argv[1:], background=True)
for turn in range(2):
    arbiter.start()
    print(arbiter.running, CircusClient(endpoint=arbiter.endpoint).send_message("numwatchers")["numwatchers"])
    try:
        get_arbiter([{"cmd": "sleep 300"}], *sys.argv[1:], background=True).start()
    except CircusStackError as error:
        print("in use" in str(error) or str(error))
    arbiter.stop()
    while not arbiter._has_ended.is_set():
        gevent.sleep(0.01)
"""


@pytest.mark.parametrize("patch", ["", PATCH], ids=["plain", "patched"])
def test_in_the_background_it_runs_and_tells_what_hinders_it(endpoints: dict[str, str], patch: str) -> None:
    assert run_green(endpoints, patch, BEGIN, BACKGROUND).splitlines() == ["True 1", "True"] * 2


OBJECTS = """
def hook(**_details):
    return True
for options in ({"stdout_stream": {"stream": print}}, {"hooks": {"before_start": hook}}):
    try:
        get_arbiter([{"cmd": "sleep 300", **options}], *sys.argv[1:]).start()
    except CircusStackError as error:
        print(error)
try:
    import circus_stack.api
    circus_stack.api.get_arbiter([{"cmd": "sleep 300"}], *sys.argv[1:]).start()
except CircusStackError as error:
    print(error)
"""


def test_what_cannot_go_to_another_process_is_told(endpoints: dict[str, str]) -> None:
    stream, hook, plain = run_green(endpoints, PATCH, BEGIN, OBJECTS).splitlines()

    assert stream.startswith("sleep: stdout_stream.stream is an object of the program itself")
    assert hook.startswith("sleep: hooks.before_start is __main__.hook, of the program itself")
    assert "use that of circus.green" in plain


@pytest.mark.parametrize("how", ["killed", "interrupted"])
def test_its_process_ends_with_the_program(endpoints: dict[str, str], tmp_path: Path, how: str) -> None:
    program = f'{PATCH}{BEGIN}{MAKE}arbiter.start(lambda _: print("up", flush=True))\n'
    (tmp_path / "program.py").write_text(program)
    argv = [sys.executable, "program.py", endpoints["controller"], endpoints["pubsub_endpoint"]]
    with running(argv, tmp_path / "log", cwd=tmp_path) as started:
        started.wait_output("up")
        family = psutil.Process(started.pid).children(recursive=True)
        assert len(family) == 2
        try:
            started.signal(signal.SIGKILL if how == "killed" else signal.SIGINT)
            assert started.wait_exit() != 0
            wait_until(_all_gone(family), "the end of the arbiter", detail=lambda: family)
        finally:
            for each in family:
                if each.is_running():
                    each.kill()


def _all_gone(family: list[psutil.Process]) -> Callable[[], bool]:
    return lambda: not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in family)
