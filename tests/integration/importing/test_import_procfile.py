"""A Procfile with its .env, run by the released honcho and, after `circus-stack import`, by us: the same processes."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.integration.importing.released import released
from tests.integration.importing.teller import differences, ends, told, write_teller
from tests.support.processes import Program
from tests.support.stack import READY, Room

PROCFILE = """\
# What runs on the platform
web: bin/teller web --port "$PORT" --env ${APP_ENV:-none}
worker: exec bin/teller worker "a|b" 100% && echo never
clock: cd lib; exec ../bin/teller clock
"""
DOTENV = """\
# Settings of this machine
APP_ENV=staging
GREETING='hello, world'
RATE="5%"
DOLLAR='$HOME stays'
LINES="one\\ntwo"
"""
FORMATION = "web=2,worker=2"
PROCESSES = 5


def write_project(directory: Path) -> None:
    (directory / "lib").mkdir(parents=True)
    write_teller(directory / "bin" / "teller")
    (directory / "Procfile").write_text(PROCFILE)
    (directory / ".env").write_text(DOTENV)


def test_the_procfile_runs_as_it_did(here: Room) -> None:
    project = here.base / "shop"
    write_project(project)

    env = {"TOLD": str(here.base / "theirs")}
    Path(env["TOLD"]).mkdir()
    argv = [released("honcho"), "start", "-c", FORMATION]
    theirs = Program(argv, here.directory / "honcho.log", env=env, base_env=here.environ, cwd=project)
    here.adopt(theirs)
    expected = told(Path(env["TOLD"]), PROCESSES, theirs.output)
    theirs.signal(signal.SIGTERM)
    theirs.wait_exit()
    assert ends(Path(env["TOLD"]), PROCESSES, theirs.output) == ["SIGTERM"] * PROCESSES

    done = here.run("circus-stack", "import", "Procfile", "-m", FORMATION, cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr
    env = {"TOLD": str(here.base / "ours")}
    Path(env["TOLD"]).mkdir()
    ours = here.start("circus-stack", "serve", str(project / "app.ini"), env=env)
    ours.wait_line(READY)
    found = told(Path(env["TOLD"]), PROCESSES, ours.output)
    lines = ours.output()
    assert ours.stop(signal.SIGTERM) == 0
    assert ends(Path(env["TOLD"]), PROCESSES, ours.output) == ["SIGTERM"] * PROCESSES
    assert [each for each in differences(found, expected) if " leads: " not in each] == []
    assert " | out worker a|b 100%" in lines
    assert " | err web --port 5001 --env staging" in lines


def test_what_comes_from_a_private_file_stays_private(here: Room) -> None:
    project = here.base / "private"
    project.mkdir()
    (project / "Procfile").write_text("web: sleep 600\n")
    (project / ".env").write_text("TOKEN=geheim,$X\n")
    for mode, expected in ((0o600, 0o600), (0o644, 0o644)):
        (project / ".env").chmod(mode)
        done = here.run("circus-stack", "import", "Procfile", "-o", f"{mode:o}.ini", cwd=project)
        assert done.returncode == 0, done.stderr
        assert (project / f"{mode:o}.ini").stat().st_mode & 0o777 == expected
        assert "  TOKEN = ...\n" in done.stdout


def test_a_mistake_is_told_and_nothing_written(here: Room) -> None:
    write_project(here.base / "shop")
    done = here.run("circus-stack", "import", "Procfile", "-m", "wep=2", cwd=here.base / "shop")
    assert (done.returncode, "there is no process 'wep'" in done.stderr) == (2, True), done.stderr
    assert not (here.base / "shop" / "app.ini").exists()
