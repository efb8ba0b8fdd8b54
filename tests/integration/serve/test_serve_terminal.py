"""What `serve` shows: colours in a terminal, none in a pipe; Ctrl-C, and a terminal that goes away."""

from __future__ import annotations

import re

import psutil

from tests.integration.serve.projects import write_ini
from tests.support.waiting import wait_until

TALK = "[watcher:talk]\ncmd = sh -c 'printf \"\\\\033[31mred\\\\033[0m \\\\033[2Jwiped\\\\n\"; exec sleep 600'\n"


def test_a_terminal_gets_colours_and_a_hint_and_ctrl_c_stops_it(here):
    terminal = here.in_terminal("circus-stack", "serve", str(write_ini(here.directory, more=TALK)))
    shown = terminal.wait_shown("Ctrl-C stops it")
    shown = terminal.wait_shown("wiped")
    assert "\x1b[" in shown
    assert re.search(r"\x1b\[\d+mtalk\.1", shown), "a prefix has its watcher's colour"
    assert "\x1b[31mred" in shown, "a program's own colours stay"
    assert "\x1b[2J" not in shown, "what would steer the terminal doesn't"
    terminal.type(b"\x03")
    assert terminal.wait_exit() == 0
    here.assert_nothing_left()


def test_no_color_takes_colours_from_a_terminal(here):
    ini = str(write_ini(here.directory))
    terminal = here.in_terminal("circus-stack", "serve", ini, env={"NO_COLOR": "1"})
    terminal.wait_shown("ready in")
    terminal.wait_shown("Ctrl-C stops it")
    terminal.type(b"\x03")
    assert terminal.wait_exit() == 0
    assert "\x1b" not in terminal.shown()


def test_a_pipe_gets_no_escape_codes_of_ours(here):
    stack = here.serve(str(write_ini(here.directory)))
    assert "Ctrl-C" not in stack.output()
    assert stack.stop() == 0
    assert "\x1b" not in stack.output()


def test_a_terminal_that_goes_away_ends_the_stack(here):
    terminal = here.in_terminal("circus-stack", "serve", str(write_ini(here.directory)))
    terminal.wait_shown("Ctrl-C stops it")
    arbiter = psutil.Process(terminal.pid)
    workers = arbiter.children(recursive=True)
    assert len(workers) == 2
    terminal.hang_up()
    assert terminal.wait_exit() == 0
    wait_until(lambda: not here.leftovers(), "the workers' end")
    here.assert_nothing_left()


def test_the_banner_names_what_runs(here):
    ini = write_ini(here.directory, more="[watcher:talk]\ncmd = sleep 600\nnumprocesses = 2\n")
    stack = here.serve(str(ini), "--bind", "127.0.0.1:0", "--bind", f"unix:{here.base / 'web.sock'}")
    banner = stack.output().partition("is starting")[0]
    for word in (str(ini), "wsgiref, 2 workers", "http://127.0.0.1:", f"unix:{here.base}", "talk x 2", "ipc://"):
        assert word in banner
    assert stack.stop() == 0


def test_each_line_has_the_name_of_its_process(here):
    more = "[watcher:talk]\ncmd = sh -c 'echo out; echo err >&2; exec sleep 600'\nnumprocesses = 2\n"
    stack = here.serve(str(write_ini(here.directory, more=more)))
    for line in ("talk.1 | out", "talk.2 | out", "talk.1 | err", "talk.2 | err"):
        stack.wait_line(line)
    assert stack.stop() == 0
