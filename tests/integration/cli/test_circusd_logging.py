"""Where a real circusd speaks: a configuration of logging, syslog, a file that is moved away. Ctrl-C as it loads."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tests.support.processes import PYTHON
from tests.support.stack import Room, RunningStack
from tests.support.waiting import PATIENCE_S, wait_until

INI = """\
[circus]
endpoint = ipc://{base}/control
pubsub_endpoint = ipc://{base}/events
{more}
[watcher:idle]
cmd = sleep 600
"""
CONFIG = {
    "version": 1,
    "formatters": {"ours": {"format": "FORM %(name)s %(levelname)s %(message)s"}},
    "handlers": {"file": {"class": "logging.FileHandler", "filename": "own.log", "formatter": "ours"}},
    "loggers": {"circus": {"level": "INFO", "handlers": ["file"], "propagate": False}},
}
CONFIG_INI = """\
[loggers]
keys = root, circus
[handlers]
keys = file
[formatters]
keys = ours
[logger_root]
handlers =
[logger_circus]
level = INFO
handlers = file
qualname = circus
propagate = 0
[handler_file]
class = FileHandler
args = ('own.log',)
formatter = ours
[formatter_ours]
format = FORM %(name)s %(levelname)s %(message)s
"""


def circusd(here: Room, *flags: str, more: str = "") -> RunningStack:
    ini = here.directory / "log.ini"
    ini.write_text(INI.format(base=here.base, more=more))
    return here.circusd(str(ini), *flags)


@pytest.mark.parametrize("suffix", ["json", "ini", "yaml"])
def test_a_logger_configuration_decides_where_circusd_speaks(here: Room, suffix: str) -> None:
    # What JSON says is YAML, too.
    config = here.directory / f"logging.{suffix}"
    config.write_text(CONFIG_INI if suffix == "ini" else json.dumps(CONFIG))
    stack = circusd(here, "--logger-config", str(config))
    own = here.directory / "own.log"
    wait_until(lambda: "FORM circus INFO ready in" in own.read_text(), "the start in the log", detail=own.read_text)
    assert stack.stop() == 0
    assert "FORM circus INFO idle.1 stopped" in own.read_text()
    assert stack.output() == ""


def test_syslog_by_udp(here: Room) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        daemon.settimeout(PATIENCE_S)
        port = daemon.getsockname()[1]
        stack = circusd(here, more=f"logoutput = syslog://127.0.0.1:{port}?local3")
        # local3 is 19, info is 6.
        assert daemon.recv(1000).startswith(f"<158>circusd[{stack.pid}]: [INFO] idle".encode())


def test_syslog_by_a_unix_socket_that_comes_late(here: Room) -> None:
    path = here.base / "devlog"
    stack = circusd(here, "--log-output", f"syslog://{path}?daemon")
    assert stack.output() == f"circusd: warning: no syslog daemon listens at {path} yet\n"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(str(path))
        daemon.settimeout(PATIENCE_S)
        stack.call("stop", name="idle", waiting=True)
        assert daemon.recv(1000).startswith(f"<30>circusd[{stack.pid}]: [INFO] ".encode())


def test_a_log_file_that_is_moved_away_is_made_again(here: Room) -> None:
    log = here.directory / "circusd.log"
    stack = circusd(here, "--log-output", str(log))
    wait_until(lambda: "ready in" in log.read_text(), "the start in the log", detail=log.read_text)
    log.rename(here.directory / "circusd.log.1")
    stack.call("stop", name="idle", waiting=True)
    wait_until(lambda: log.exists() and "idle.1 stopped" in log.read_text(), "a new file")


def test_what_is_wrong_is_refused_before_anything_starts(here: Room) -> None:
    ini = here.directory / "x.ini"
    ini.write_text(INI.format(base=here.base, more=""))
    (here.directory / "log.json").write_text("{")
    for flags, status, told in [
        (["--logger-config", "log.json"], 2, "the logger configuration log.json: "),
        (["--log-output", "syslog://h?nope"], 2, "'nope' is no facility"),
        (["--log-output", "/proc/nowhere/log"], 1, "cannot write the log file /proc/nowhere/log"),
        (["--log-level", "loud"], 2, "'loud' is not one of"),
    ]:
        done = here.run("circusd", *flags, str(ini))
        assert (done.returncode, done.stdout) == (status, "")
        assert told in done.stderr
        assert "Traceback" not in done.stderr
    here.assert_nothing_left()


# Sends Ctrl-C to itself while the first of our imports runs.
INTERRUPTED = """\
import os, signal, sys
class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == "click":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupt())
from circus_stack.cli import entry
getattr(entry, sys.argv[1])()
"""


@pytest.mark.parametrize("program", ["circus_stack", "circusd", "circusctl", "circus_plugin"])
def test_ctrl_c_during_the_imports_prints_no_traceback(tmp_path: Path, program: str) -> None:
    done = subprocess.run(
        [PYTHON, "-c", INTERRUPTED, program, "--version"],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        cwd=tmp_path,
    )
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")
