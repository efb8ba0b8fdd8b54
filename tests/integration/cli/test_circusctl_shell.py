"""circusctl without a command, in a terminal of its own and behind a pipe."""

from __future__ import annotations

import json
import subprocess

import pytest

from circus_stack import __version__
from tests.support.processes import BIN
from tests.support.pty_program import PtyProgram
from tests.support.stack import Room, RunningStack
from tests.support.waiting import PATIENCE_S, wait_until

PROMPT = "(circusctl) "
INI = """\
[circus]
endpoint = ipc://{base}/control
pubsub_endpoint = ipc://{base}/events
[watcher:web]
cmd = sleep 600
numprocesses = 2
[watcher:idle]
cmd = sleep 600
autostart = false
"""


@pytest.fixture
def stack(here: Room) -> RunningStack:
    ini = here.directory / "shell.ini"
    ini.write_text(INI.format(base=here.base))
    return here.circusd(str(ini))


def say(shell: PtyProgram, keys: str, answer: str) -> str:
    """Type, and wait for an answer to it; a line that was ended has the prompt behind its answer."""
    before = len(shell.shown())
    shell.type(keys.encode())

    def answered() -> str:
        _, found, rest = shell.shown()[before:].partition(answer)
        return found + rest if found and (PROMPT in rest or not keys.endswith("\n")) else ""

    return wait_until(answered, f"{answer!r} behind {keys!r}", detail=shell.shown)


def test_the_shell_greets_completes_remembers_and_survives_ctrl_c(here: Room, stack: RunningStack) -> None:
    shell = here.in_terminal("circusctl", env={"NO_COLOR": "1"})
    greeting = shell.wait_shown(PROMPT)
    assert greeting.index(f"circusctl {__version__}") < greeting.index("idle: stopped") < greeting.index("web: active")

    # The Tab key: a command, a watcher, an option, a key with the value that it has, a signal.
    say(shell, "numpr\twe\t\n", "2\r\n")
    say(shell, "sto\t", "stop")
    say(shell, " we\t--wai\t\n", "ok")
    say(shell, "get web gracef\t\n", "graceful_timeout: 30")
    say(shell, "help sig\t\n", "Send a signal")
    say(shell, "signal web SIGWIN\t", "SIGWINCH")

    # Ctrl-C gives a line up, and what runs; never the shell.
    say(shell, "\x03", PROMPT)
    say(shell, "status idle\n", "stopped")
    stack.call("start", name="web")
    shell.type(b"listen watcher.\n")
    wait_until(lambda: stack.call("incr", name="web") and "web.spawn" in shell.shown(), "an event", pause_s=0.1)
    say(shell, "\x03", PROMPT)
    say(shell, "nonsense\n", "No such command 'nonsense'")
    say(shell, "incr nowhere\n", "error: program nowhere not found")
    say(shell, "list 'web\n", "error: no closing quotation")

    # quit ends the stack, not the shell: it asks first.
    shell.type(b"quit\n")
    shell.wait_shown("End the stack? [y/N] ")
    say(shell, "n\n", "n")
    assert stack.program.is_running()

    shell.type(b"\x04")
    assert shell.wait_exit() == 0
    history = here.state / "circus-stack" / "circusctl_history"
    assert "status idle\n" in history.read_text()
    assert history.stat().st_mode & 0o777 == 0o600

    again = here.in_terminal("circusctl", env={"NO_COLOR": "1"})
    again.wait_shown(PROMPT)
    # Up, until "status idle" is there again.
    say(again, "\x1b[A" * 6 + "\n", "stopped")
    again.type(b"exit\n")
    assert again.wait_exit() == 0


def test_lines_from_a_pipe_are_run_without_a_word_of_the_shell(here: Room, stack: RunningStack) -> None:
    lines = "status idle\n# a comment\n\n--json numwatchers\nstart nowhere\n"
    done = subprocess.run(
        [str(BIN / "circusctl")], input=lines, capture_output=True, text=True, env=here.environ, timeout=PATIENCE_S
    )
    first, second = done.stdout.splitlines()
    assert first == "stopped"
    assert json.loads(second)["numwatchers"] == 2
    assert done.stderr == "error: program nowhere not found\n"
    assert done.returncode == 3


def test_a_shell_without_an_arbiter_says_so_and_goes_on(here: Room) -> None:
    shell = here.in_terminal("circusctl", "--endpoint", f"ipc://{here.base}/nobody")
    shell.wait_shown("nobody listens at ipc://")
    shell.wait_shown(PROMPT)
    say(shell, "list \t\n", "nobody listens at ipc://")
    # A Ctrl-D that comes while a command runs is the terminal's own, lost in any shell: only at the prompt does it
    # leave.
    shell.type(b"\x04")
    assert shell.wait_exit() == 0


@pytest.mark.parametrize(
    ("command", "status", "told"),
    [
        ("circusctl <&-", 0, ""),
        ("circusctl --help >&-", 0, ""),
        ("circusctl --help >/dev/full", 1, "circusctl: cannot print: No space left on device\n"),
    ],
)
def test_closed_files_and_a_full_disk_are_no_traceback(here: Room, command: str, status: int, told: str) -> None:
    done = here.run("/bin/sh", "-c", command)
    assert (done.returncode, done.stderr) == (status, told)
