"""A gunicorn.conf.py, run by the released gunicorn and, after `circus-stack import`, by us: the same workers."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

from tests.integration.importing.released import released
from tests.integration.importing.teller import flat, own_variables
from tests.support.http_client import Client
from tests.support.ports import free_port
from tests.support.processes import Program
from tests.support.stack import READY, Room
from tests.support.waiting import wait_until

CONF = '''\
"""How the shop is served."""
import multiprocessing
import os

_here = os.path.dirname(os.path.abspath(__file__))
_port = int(os.environ.get("SHOP_PORT", "8000"))

bind = [f"127.0.0.1:{_port}", "unix:" + os.path.join(_here, "run", "shop.sock")]
workers = min(multiprocessing.cpu_count() * 2 + 1, 3)
worker_class = "gthread"
threads = 2
timeout = 60
graceful_timeout = 20
umask = 0o027
chdir = os.path.join(_here, "src")
raw_env = ["SHOP_ENV=staging", "GREETING=hello, world", "RATE=5%"]
pidfile = os.path.join(_here, "run", "shop.pid")
proc_name = "shop"
wsgi_app = "shop:app"


def when_ready(server):
    server.log.info("ready")
'''
APP = """\
import json, os

def app(environ, start_response):
    mask = os.umask(0)
    os.umask(mask)
    facts = {
        "pid": os.getpid(),
        "env": dict(os.environ),
        "cwd": os.getcwd(),
        "ids": [os.getuid(), os.getgid()],
        "umask": mask,
        "script": [environ["SCRIPT_NAME"], environ["PATH_INFO"], environ["QUERY_STRING"]],
        "multi": [bool(environ["wsgi.multithread"]), bool(environ["wsgi.multiprocess"])],
    }
    body = json.dumps(facts).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""
WORKERS = 3


def write_project(directory: Path) -> None:
    for name in ("src", "run"):
        (directory / name).mkdir(parents=True)
    directory.chmod(0o755)
    (directory / "src" / "shop.py").write_text(APP)
    (directory / "gunicorn.conf.py").write_text(CONF)


def facts_of(address: Any) -> dict[str, Any]:
    """What a worker says of itself, without what differs by its nature."""
    client = Client(address)
    try:
        facts: dict[str, Any] = json.loads(client.fetch("/a%20b?c=d")[1])
    finally:
        client.close()
    facts["env"] = own_variables(facts["env"])
    # Another user's HOME: his own with us, root's with gunicorn. PORT and others name the server itself.
    for name in ("HOME", "USER", "LOGNAME", "SERVER_SOFTWARE"):
        facts["env"].pop(name, None)
    return facts


def test_the_shop_is_served_as_it_was(here: Room) -> None:
    project = here.base / "shop"
    write_project(project)
    port = free_port()
    env = {"SHOP_PORT": str(port)}
    tcp, unix = ("127.0.0.1", port), str(project / "run" / "shop.sock")

    theirs = Program([released("gunicorn")], here.directory / "g.log", env=env, base_env=here.environ, cwd=project)
    here.adopt(theirs)
    theirs.wait_output("Booting worker")
    wait_until(lambda: theirs.output().count("Booting worker") == WORKERS, "the workers", detail=theirs.output)
    expected = [facts_of(tcp), facts_of(unix)]
    mode = Path(unix).stat().st_mode
    # Not by SIGTERM: a worker of gunicorn's that is still booting doesn't hear it, and is waited for half a minute.
    theirs.kill_group()

    done = here.run("circus-stack", "import", "gunicorn.conf.py", cwd=project, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "gunicorn.conf.py:22: def when_ready" in done.stdout
    assert here.run("circus-stack", "check", str(project / "app.ini")).returncode == 0
    ours = here.start("circus-stack", "serve", str(project / "app.ini"), env=env)
    ours.wait_line(READY)
    found = [facts_of(tcp), facts_of(unix)]
    assert oct(Path(unix).stat().st_mode) == oct(mode)
    assert len(ours.pids()) == WORKERS
    assert (project / "run" / "shop.pid").read_text() == f"{ours.pid}\n"
    assert ours.stop(signal.SIGTERM) == 0
    assert [changes(ours, theirs) for ours, theirs in zip(found, expected, strict=True)] == [[], []]


def changes(ours: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    """A line for each fact that differs; the pids do."""
    ours, theirs = flat(ours), flat(theirs)
    names = sorted((ours.keys() | theirs.keys()) - {"pid"})
    return [
        f"{name}: {ours.get(name)!r} in place of {theirs.get(name)!r}"
        for name in names
        if ours.get(name) != theirs.get(name)
    ]
