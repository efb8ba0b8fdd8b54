"""`circusctl logs` over the wire: a snapshot and what follows, without a hole or a double, until one side ends."""

from __future__ import annotations

import json
import signal

import pytest

from tests.integration.serve.projects import CIRCUS_SECTION, script, write_watchers
from tests.support.processes import BIN, Program
from tests.support.waiting import wait_until

# Counts as fast as it may, a hundred lines at a time, and says at SIGTERM where it ended.
COUNTER = """\
import signal
import sys
import time

def end(*_):
    sys.stdout.write("the end\\n")
    sys.exit()

signal.signal(signal.SIGTERM, end)
number = 0
while True:
    sys.stdout.write("".join(f"{each}\\n" for each in range(number, number + 100)))
    number += 100
    time.sleep(0.01)
"""
COLOURED = """\
import sys
import time
sys.stdout.write("\\x1b[31mred\\x1b[0m\\n")
sys.stderr.write("plain\\n")
time.sleep(600)
"""
INI = (
    CIRCUS_SECTION
    + """
[watcher:counter]
cmd = {counter}

[watcher:painter]
cmd = {painter}
"""
)


@pytest.fixture
def stack(here):
    text = INI.format(
        base=here.base,
        counter=script(here.directory, "counter", COUNTER),
        painter=script(here.directory, "painter", COLOURED),
    )
    return here.circusd(str(write_watchers(here.directory, text, name="circus.ini")))


def start_following(here, stack, *words: str) -> Program:
    argv = [str(BIN / "circusctl"), "--endpoint", stack.found().record.endpoint, "logs", "-f", *words]
    log = here.directory / f"follower-{len(list(here.directory.glob('follower-*')))}.log"
    return here.adopt(Program(argv, log, base_env=here.environ, cwd=here.directory)).program


def numbers(output: str) -> list[int]:
    texts = (line.rpartition(" | ")[2] for line in output.splitlines() if line.startswith("counter.1"))
    return [int(text) for text in texts if text.isdigit()]


def test_what_follows_joins_what_was_kept_without_a_hole_or_a_double(here, stack):
    followers = [start_following(here, stack, "-n", lines, "counter") for lines in ("1000", "7", "0")]
    for follower in followers:
        wait_until(lambda f=follower: len(numbers(f.output())) > 3000, "3,000 lines", detail=follower.output)
        follower.signal(signal.SIGINT)
        assert follower.wait_exit() == 130
        found = numbers(follower.output())
        assert found == list(range(found[0], found[0] + len(found)))
        assert "Traceback" not in follower.output()


def test_it_ends_with_the_arbiter_after_the_last_line(here, stack):
    follower = start_following(here, stack)
    wait_until(lambda: numbers(follower.output()), "lines", detail=follower.output)
    stack.call("quit")
    assert stack.program.wait_exit() == 0
    assert follower.wait_exit() == 0
    lines = follower.output().splitlines()
    assert "counter.1 | the end" in lines
    assert lines[-1] == "circusctl: the arbiter has ended, or the connection to it"


def ctl(here, stack, *words: str, env: dict[str, str] | None = None):
    return here.run("circusctl", "--endpoint", stack.found().record.endpoint, *words, env=env)


def test_colours_of_programs_are_kept_where_there_are_some(here, stack):
    wait_until(lambda: "plain" in ctl(here, stack, "logs", "painter").stdout, "both lines")
    plain = ctl(here, stack, "logs", "-n", "5", "PAINTER").stdout
    assert sorted(plain.splitlines()) == ["painter.1 | plain", "painter.1 | red"]
    assert "\x1b[31mred\x1b[0m" in ctl(here, stack, "logs", "painter", env={"FORCE_COLOR": "1"}).stdout


def test_one_process_and_as_json(here, stack):
    (pid,) = stack.pids("painter")
    wait_until(lambda: ctl(here, stack, "logs", "painter", str(pid)).stdout.count("\n") == 2, "both lines")
    assert ctl(here, stack, "logs", "painter", str(pid + 1)).stdout == ""
    reply = json.loads(ctl(here, stack, "--json", "logs", "painter", str(pid)).stdout)
    assert [line["data"] for line in reply["lines"] if line["stream"] == "stdout"] == ["\x1b[31mred\x1b[0m"]
    follower = start_following(here, stack, "--json", "painter", str(pid))
    wait_until(lambda: follower.output().count("\n") == 2, "both lines", detail=follower.output)
    objects = [json.loads(line) for line in follower.output().splitlines()]
    assert {(each["watcher"], each["pid"], each["stream"]) for each in objects} == {
        ("painter", pid, "stdout"),
        ("painter", pid, "stderr"),
    }
    assert [each["is_after_gap"] for each in objects] == [False, False]


def test_wrong_words(here, stack):
    assert ctl(here, stack, "logs", "painter", "many").returncode == 1
    assert ctl(here, stack, "logs", "-n", "-3").returncode == 2
    done = ctl(here, stack, "logs", "-f", "nobody")
    assert (done.returncode, done.stdout) == (3, "")
    assert "nobody" in done.stderr
