"""Units of `circus-stack export systemd`, judged by `systemd-analyze verify`, which needs no running systemd."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.integration.serve.projects import write_app
from tests.support.stack import Room

INI = """\
[server:main]
use = egg:circus-stack
app = hello:app
listen = 127.0.0.1:8123 [::1]:8123 unix:{path}
backend = wsgiref
graceful_timeout = 100
ready_timeout = 200

[watcher:job]
cmd = sleep 60
depends_on = web
graceful_timeout = 7
"""


def verify(*paths: Path) -> str:
    """What systemd-analyze says, which is nothing of good units."""
    program = shutil.which("systemd-analyze")
    assert program, (
        "systemd-analyze is missing: tools/system-packages installs systemd's package, and nothing is started"
    )
    done = subprocess.run(
        [program, "verify", "--man=no", *map(str, paths)], capture_output=True, text=True, timeout=60, check=False
    )
    # What it says of units that this machine's packages have brought is none of our business.
    ours = [line for line in (done.stdout + done.stderr).splitlines() if any(each.name in line for each in paths)]
    return "\n".join(ours) + ("" if done.returncode == 0 else f"\nstatus {done.returncode}\n{done.stderr}")


def write_project(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    write_app(directory)
    path = directory / "shop.ini"
    path.write_text(INI.format(path=directory / "web.sock"))
    return path


@pytest.mark.parametrize("words", [[], ["--user"], ["--socket"], ["--user", "--socket"]])
def test_units_are_accepted(here: Room, words: list[str]) -> None:
    ini = write_project(here.directory / "project")
    done = here.run("circus-stack", "export", "systemd", str(ini), *words)
    assert done.returncode == 0, done.stderr
    units = sorted([*here.directory.glob("*.service"), *here.directory.glob("*.socket")])
    assert len(units) == (4 if "--socket" in words else 1)
    assert verify(*units) == ""


def test_a_directory_with_every_odd_character(here: Room) -> None:
    ini = write_project(here.directory / "a 100% \"odd\" 'path' $HOME")
    ini.write_text("[watcher:job]\ncmd = sleep 60\n")
    done = here.run("circus-stack", "export", "systemd", str(ini), "--force")
    assert done.returncode == 0, done.stderr
    unit = here.directory / "shop.service"
    assert verify(unit) == ""
    assert '''/a 100%% \\"odd\\" 'path' $$HOME/shop.ini"''' in unit.read_text()


def test_what_the_unit_says(here: Room) -> None:
    ini = write_project(here.directory)
    text = here.run("circus-stack", "export", "systemd", str(ini), "-o", "-", "--socket").stdout
    for line in (
        "Type=notify",
        "NotifyAccess=main",
        "KillMode=process",
        "Delegate=yes",
        "Restart=on-failure",
        "RestartPreventExitStatus=2",
        # The workers' 100 s and then the job's 7 s, and the other way round 200 s and 60 s, with a margin.
        "TimeoutStopSec=137",
        "TimeoutStartSec=290",
        "RuntimeDirectory=circus-stack/shop",
        f"WorkingDirectory={here.directory}",
        "ListenStream=[::1]:8123",
        "BindIPv6Only=ipv6-only",
        "FileDescriptorName=web",
    ):
        assert f"{line}\n" in text, text


def test_the_command_of_the_unit_runs_the_stack(here: Room) -> None:
    """With the directories that systemd would make; clients of the same environment find it there."""
    ini = here.directory / "shop.ini"
    ini.write_text("[watcher:job]\ncmd = sleep 60\n")
    text = here.run("circus-stack", "export", "systemd", str(ini), "-o", "-").stdout
    (command,) = (line.partition("=")[2] for line in text.splitlines() if line.startswith("ExecStart="))
    runtime, state = here.base / "circus-stack" / "shop", here.base / "state" / "circus-stack" / "shop"
    for each in (runtime, state):
        each.mkdir(parents=True, mode=0o700)
    environ = {"RUNTIME_DIRECTORY": str(runtime), "STATE_DIRECTORY": str(state)}
    here.environ |= environ
    stack = here.start(*["circus-stack", *command.split()[2:]])
    stack.wait_line("circus-stack: ready in")
    assert here.run("circus-stack", "status").returncode == 0
    assert [each.parent.parent for each in runtime.rglob("stack.json")] == [runtime]
    assert stack.stop() == 0


def test_a_file_that_exists_and_one_with_mistakes(here: Room) -> None:
    ini = write_project(here.directory)
    assert here.run("circus-stack", "export", "systemd", str(ini)).returncode == 0
    refused = here.run("circus-stack", "export", "systemd", str(ini))
    assert (refused.returncode, "exists already" in refused.stderr) == (1, True)
    ini.write_text("[watcher:x]\nnonsense = 1\n")
    broken = here.run("circus-stack", "export", "systemd", str(ini), "--force")
    assert (broken.returncode, "shop.ini:2" in broken.stderr) == (2, True)
