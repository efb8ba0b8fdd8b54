"""The completion scripts in real shells: a key is pressed, and the line that it makes is run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.support.processes import BIN
from tests.support.pty_program import PtyProgram
from tests.support.stack import Room, RunningStack, room

INI = """\
[circus]
endpoint = ipc://{base}/control
pubsub_endpoint = ipc://{base}/events
[watcher:web]
cmd = sleep 600
numprocesses = 2
[watcher:plugin:flapping]
cmd = sleep 600
[watcher:big one]
cmd = sleep 600
"""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """One for all: a start costs more than these tests."""
    with room(tmp_path_factory.mktemp("here")) as made:
        yield made


@pytest.fixture(scope="module")
def stack(here: Room) -> RunningStack:
    ini = here.directory / "shells.ini"
    ini.write_text(INI.format(base=here.base))
    return here.circusd(str(ini))


def which(shell: str) -> str:
    """The shell's path; the packages that the tests need are installed by `make test`."""
    path = shutil.which(shell)
    assert path is not None, f"{shell} is not installed"
    return path


def in_bash(here: Room) -> PtyProgram:
    rc = here.directory / "bashrc"
    rc.write_text("PS1='bash> '\nsource <(circus-stack completion bash)\n")
    return here.in_terminal(which("bash"), "--noprofile", "--rcfile", str(rc), "-i")


def in_zsh(here: Room) -> PtyProgram:
    rc = here.directory / ".zshrc"
    rc.write_text("PS1='zsh> '\nautoload -Uz compinit\ncompinit -u -D\nsource <(circus-stack completion zsh)\n")
    return here.in_terminal(which("zsh"), "-i", env={"ZDOTDIR": str(here.directory)})


@pytest.mark.parametrize("start", [in_bash, in_zsh])
def test_a_key_completes_commands_watchers_and_options(here: Room, stack: RunningStack, start) -> None:
    endpoint, (pid,) = stack.found().record.endpoint, stack.wait_pids(1, watcher="big one")
    shell = start(here)
    shell.wait_shown("sh> ")
    for typed, answer in [
        (b"circusctl numpr\twe\t --js\t | tr -d ' '\n", '"numprocesses":2'),
        (b"circusctl status plugin:fl\t | tr a-z A-Z\n", "ACTIVE"),
        (b"circusctl list big\t | sed 's/^/pid-/'\n", f"pid-{pid}"),
        (
            f"{BIN}/circusctl options --end\t{endpoint} we\t | sed 's/^cmd: /it-runs-/'\n".encode(),
            "it-runs-sleep",
        ),
    ]:
        shell.type(typed)
        shell.wait_shown(answer)
    shell.type(b"exit\n")
    assert shell.wait_exit() == 0


TOLD = {
    "circusctl stop ": {"web", "plugin:flapping", "big one"},
    "circusctl stop --match=re": {"--match=regex"},
    "circus-stack reload we": {"web"},
    "chaussette --backend wai": {"waitress"},
    "circusd --log-l": {"--log-level"},
    "circus-plugin --pub": {"--pubsub"},
    "circusd shells.i": {"shells.ini"},
}


def test_fish_is_told_what_may_come_next(here: Room, stack: RunningStack) -> None:
    asked = "".join(f"echo '== {line}'; complete -C '{line}'\n" for line in TOLD)
    done = here.run(which("fish"), "--no-config", "-c", f"circus-stack completion fish | source\n{asked}")

    assert done.stderr == ""
    answers = [part.splitlines() for part in done.stdout.split("== ")[1:]]
    assert {first: {each.partition("\t")[0] for each in rest} for first, *rest in answers} == TOLD
