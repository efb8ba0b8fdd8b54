"""How far the end of a process goes is the watcher's choice; and without privileges it goes as far."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest

from circus_stack.system.process_table import is_alive, signal_entry
from tests.integration.orphans.straying import HELPERS, POLITE, noted, wait_gone
from tests.integration.serve.projects import script, write_watchers
from tests.support.processes import BIN, Program


@pytest.mark.parametrize(("mode", "spares_member"), [("group", False), ("process", True)])
def test_what_is_spared_outlives_the_arbiter_too(here, mode, spares_member):
    folder = here.directory / "notes"
    folder.mkdir()
    text = f"[watcher:w]\ncmd = {script(here.directory, 'helpers', HELPERS)} {folder}\n"
    stack = here.serve(str(write_watchers(here.directory, text)))
    [daemon], [member] = noted(folder, "daemon"), noted(folder, "member")
    stack.call("set", name="w", options={"kill_mode": mode}, waiting=True)
    try:
        stack.call("stop", name="w", waiting=True)
        assert is_alive(daemon)
        assert is_alive(member) == spares_member
        assert stack.stop() == 0
        assert is_alive(daemon)
        assert is_alive(member) == spares_member
        assert not (folder / f"asked.{daemon.pid}").exists()
    finally:
        for each in (daemon, member):
            signal_entry(each, signal.SIGKILL)
        wait_gone([daemon, member])


def test_a_stack_without_privileges_ends_its_daemons(here, as_root):
    here.base.chmod(0o711)
    home = here.base / "home"
    home.mkdir()
    program = home / "stray.py"
    program.write_text(POLITE)
    # The interpreter of the system, since a private one may lie where nobody may go.
    ini = write_watchers(home, f"[watcher:w]\ncmd = /usr/bin/python3 -I -S {program} {home}\nworking_dir = /\n")
    for path in (home, *home.iterdir(), here.runtime, here.state, here.base / "t"):
        shutil.chown(path, "nobody", "nogroup")
    argv = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--", str(BIN / "circus-stack"), "serve"]
    environ = {**here.environ, "HOME": str(home)}
    log = here.directory / "unprivileged.log"
    stack = here.adopt(Program([*argv, str(ini)], log, base_env=environ, cwd=Path("/")))
    stack.wait_line("ready in")
    [daemon] = noted(home, "daemon")
    assert stack.stop() == 0
    assert not is_alive(daemon)
    assert (home / f"asked.{daemon.pid}").exists()
