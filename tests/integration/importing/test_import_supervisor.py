"""A supervisord.conf, run by the released supervisord and, after `circus-stack import`, by us: the same processes."""

from __future__ import annotations

import signal
import textwrap
from pathlib import Path

import pytest

from tests.integration.importing.released import released
from tests.integration.importing.teller import differences, ends, told, write_shell_teller, write_teller
from tests.support.processes import Program
from tests.support.stack import READY, Room

pytestmark = pytest.mark.usefixtures("as_root")

# A shop as many are run: an API of two processes on ports of their own, a queue worker with several processes, a beat
# of another user, and a FastCGI program, in files of their own.
MAIN = """\
; The shop, in production
[unix_http_server]
file=%(here)s/run/supervisor.sock   ; the path to the socket file
chmod=0700

[supervisord]
logfile=%(here)s/log/supervisord.log
logfile_maxbytes=50MB
pidfile=%(here)s/run/supervisord.pid
nodaemon=true
umask=027
environment=SHOP_ENV="production",DISCOUNT="5%%%%"

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://%(here)s/run/supervisor.sock

[include]
files = conf.d/*.conf
"""
SHOP = """\
[program:api]
command=%(here)s/../bin/teller api --bind 127.0.0.1:%(ENV_FIRST)s%(process_num)02d
    --home %(ENV_HOME)s "two words"
process_name=%(program_name)s_%(process_num)02d
numprocs=2
directory=%(here)s
autorestart=true
stopsignal=INT
stopwaitsecs=15
stopasgroup=true
redirect_stderr=true
stdout_logfile=%(here)s/../log/%(program_name)s.log
stdout_logfile_maxbytes=1MB
environment=GREETING="hello, world",SHOP_ENV='staging',PLAIN=a-b.c/d:e
priority=200

[program:queue]
command=%(here)s/../bin/teller queue --name worker%(process_num)d
process_name=%(program_name)s-%(process_num)d
numprocs=3
numprocs_start=1
autorestart=true
stopsignal=USR1
stdout_logfile=%(here)s/../log/queue.out
stderr_logfile=%(here)s/../log/queue.err

[program:beat]
command=%(here)s/../bin/shell-teller beat          ; one of them
user=nobody
umask=077
autorestart=true
environment=DOLLAR="$HOME is not replaced"
stdout_logfile=NONE
stderr_logfile=/dev/null
stderr_logfile_maxbytes=0
priority=100

[program:later]
command=%(here)s/../bin/teller later
autostart=false

[group:shop]
programs=api,queue
"""
FASTCGI = """\
[fcgi-program:render]
socket=unix://%(here)s/../run/%(program_name)s.sock
socket_mode=0660
command=%(here)s/../bin/teller render
autorestart=true
stdout_logfile=%(here)s/../log/render.log
"""
PROCESSES = 7


def write_project(directory: Path) -> Path:
    """The files of the shop; the main one."""
    for each in ("bin", "log", "run", "conf.d"):
        (directory / each).mkdir(parents=True)
    (directory / "log").chmod(0o777)
    write_teller(directory / "bin" / "teller")
    write_shell_teller(directory / "bin" / "shell-teller")
    (directory / "conf.d" / "shop.conf").write_text(textwrap.dedent(SHOP))
    (directory / "conf.d" / "render.conf").write_text(textwrap.dedent(FASTCGI))
    path = directory / "supervisord.conf"
    path.write_text(MAIN)
    return path


def surroundings(directory: Path) -> dict[str, str]:
    """A directory for what is told, that any user may write to."""
    directory.mkdir()
    directory.chmod(0o777)
    return {"TOLD": str(directory), "FIRST": "90", "HOME": "/root"}


def logs(project: Path) -> dict[str, list[str]]:
    """The lines of each log of a program, sorted: two processes may share one; and the files are made anew."""
    found = {}
    for path in sorted((project / "log").iterdir()):
        if path.name != "supervisord.log":
            found[path.name] = sorted(path.read_text().splitlines())
            path.unlink()
    return found


def test_the_shop_runs_as_it_did(here: Room) -> None:
    project = here.base / "shop"
    config = write_project(project)

    env = surroundings(here.base / "theirs")
    argv = [released("supervisord"), "-c", str(config)]
    theirs = Program(argv, here.directory / "supervisord.log", env=env, base_env=here.environ, cwd=project)
    here.adopt(theirs)
    expected = told(Path(env["TOLD"]), PROCESSES, theirs.output)
    theirs.signal(signal.SIGTERM)
    assert theirs.wait_exit() == 0, theirs.output()
    expected_ends = ends(Path(env["TOLD"]), PROCESSES, theirs.output)
    expected_logs = logs(project)

    done = here.run("circus-stack", "import", str(config), cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr
    checked = here.run("circus-stack", "check", "--kind", "paste", "app.ini", cwd=project, env=env)
    assert (checked.returncode, "warning" in checked.stdout) == (0, False), checked.stdout
    env = surroundings(here.base / "ours")
    ours = here.start("circus-stack", "serve", "app.ini", env=env, cwd=project)
    ours.wait_line(READY)
    found = told(Path(env["TOLD"]), PROCESSES, ours.output)
    statuses = ours.call("status")["statuses"]
    assert ours.stop(signal.SIGTERM) == 0
    assert ends(Path(env["TOLD"]), PROCESSES, ours.output) == expected_ends
    assert differences(found, expected) == []
    assert logs(project) == expected_logs
    assert statuses == {
        **dict.fromkeys(("api_00", "api_01", "queue", "beat", "render"), "active"),
        "later": "stopped",
    }


def test_each_line_without_a_counterpart_is_told(here: Room) -> None:
    config = write_project(here.base / "shop")
    done = here.run("circus-stack", "import", str(config), "-o", "-")
    assert done.returncode == 0
    for line in ("supervisord.conf:2: [unix_http_server]", "supervisord.conf:7: logfile", "shop.conf:42: [group:shop]"):
        assert f"# {line}" in done.stdout, done.stdout
    assert done.stdout.count("start first") <= 1
