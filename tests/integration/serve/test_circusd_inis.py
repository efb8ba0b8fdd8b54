"""The two ini files that Circus showed the world run unchanged, but for ports, which must be free, and for paths.

The first is of a Pyramid application with Redis and its workers, the second of Chaussette on a socket of Circus's.
"""

from __future__ import annotations

import shutil
import signal

import psutil
import pytest

from tests.integration.serve.projects import write_app, write_watchers
from tests.support.http_client import Client
from tests.support.ports import free_port
from tests.support.processes import BIN
from tests.support.waiting import wait_until

# `bin/retools-worker main` stands for any program that takes jobs from Redis.
WORKER = """\
#!/usr/bin/python3 -ISu
import socket
import sys
import time

with socket.create_connection(("127.0.0.1", int(open("etc/port").read()))) as redis:
    redis.sendall(b"INCR workers\\r\\n")
    print(sys.argv[1], redis.recv(100).decode().strip())
    time.sleep(600)
"""


def is_answering(port: int) -> bool:
    client = Client(("127.0.0.1", port))
    try:
        return client.fetch("/")[0].status == 200
    except OSError:
        return False
    finally:
        client.close()


@pytest.fixture
def cluster(here):
    """A checkout of the application with `bin` and `etc`, as a buildout makes it, and the port of its web server."""
    directory = here.directory / "cluster"
    for name in ("bin", "etc"):
        (directory / name).mkdir(parents=True)
    (directory / "bin" / "pserve").symlink_to(BIN / "pserve")
    worker = directory / "bin" / "retools-worker"
    worker.write_text(WORKER)
    worker.chmod(0o755)
    web, redis = free_port(), free_port()
    (directory / "etc" / "port").write_text(str(redis))
    (directory / "etc" / "app.ini").write_text(
        f"[app:main]\nuse = egg:circus-stack-notes\nredis.url = redis://127.0.0.1:{redis}/0\n"
        f"[server:main]\nuse = egg:waitress\nlisten = 127.0.0.1:{web}\n"
    )
    (directory / "etc" / "redis.conf").write_text(
        f'port {redis}\nbind 127.0.0.1\nsave ""\ndir {directory / "etc"}\ndaemonize no\n'
    )
    return directory, web


def test_pyramid_redis_and_workers(here, cluster):
    directory, web = cluster
    text = f"""\
        [circus]
        httpd = 1
        httpd_port = {free_port()}
        endpoint = tcp://127.0.0.1:{(control := free_port())}
        pubsub_endpoint = tcp://127.0.0.1:{free_port()}
        stats_endpoint = tcp://127.0.0.1:{free_port()}

        [watcher:webapp]
        cmd = bin/pserve etc/app.ini
        singleton = True
        working_directory = {directory}

        [watcher:redis]
        cmd = redis-server {directory}/etc/redis.conf
        singleton = True

        [watcher:retools-workers]
        cmd = bin/retools-worker main
        numprocesses = 5
        working_directory = {directory}
        """
    stack = here.circusd(str(write_watchers(directory, text, "circus.ini")))
    wait_until(lambda: is_answering(web), "the application", detail=stack.output)
    wait_until(lambda: stack.output().count("main :") >= 5, "five workers", detail=stack.output, timeout_s=60)
    workers = stack.wait_pids(5, watcher="retools-workers")
    done = here.run("circusctl", "--endpoint", f"tcp://127.0.0.1:{control}", "status")
    assert done.stdout.splitlines() == [
        *("circusd-stats: active", "circushttpd: active", "redis: active", "retools-workers: active", "webapp: active")
    ]
    assert here.run("circusctl", "numprocesses", "retools-workers").stdout.strip() == "5"
    assert "singleton" in here.run("circusctl", "incr", "webapp").stdout

    # Redis dies and is back; its port is the same, and nothing else has stopped.
    [before] = stack.pids("redis")
    psutil.Process(before).kill()
    stack.wait_pids(1, other_than=[before], watcher="redis")
    assert stack.pids("retools-workers") == workers
    wait_until(lambda: is_answering(web), "the application beside the new redis", detail=stack.output)
    assert stack.stop(signal.SIGTERM) == 0
    here.assert_nothing_left()


def test_chaussette_on_a_socket_of_circus(here):
    port = free_port()
    endpoints = "\n".join(
        f"{name} = tcp://127.0.0.1:{free_port()}" for name in ("endpoint", "pubsub_endpoint", "stats_endpoint")
    )
    text = f"""\
[circus]
{endpoints}

[watcher:web]
cmd = chaussette --fd $(circus.sockets.web) --backend meinheld mycool.app
use_sockets = True
numprocesses = 5

[socket:web]
host = 0.0.0.0
port = {port}
"""
    write_app(here.directory, name="mycool")
    # Circus gives its children no PATH: that `chaussette` stands on circusd's own must do.
    stack = here.circusd(str(write_watchers(here.directory, text, "circus.ini")))
    assert stack.address() == ("0.0.0.0", port)
    pids = stack.wait_pids(5)
    client = here.client(("127.0.0.1", port))
    wait_until(lambda: is_answering(port), "an answer", detail=stack.output)
    response, body = client.fetch("/")
    assert int(body) in pids
    assert "meinheld" in response.headers["Server"].lower()
    assert client.fetch("/env/HOME")[1] == b"-", "copy_env is off, as with Circus"
    assert here.ctl_json("listsockets")["sockets"][0]["port"] == port

    assert here.run("circusctl", "reload", "web", "--waiting", timeout_s=60).returncode == 0
    stack.wait_pids(5, other_than=pids)
    wait_until(lambda: is_answering(port), "an answer", detail=stack.output)
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_the_commands_of_circus_find_what_the_system_has_first(here):
    """A program on the default path is taken from there, as Circus takes it, whatever stands on circusd's own PATH."""
    ours = here.base / "bin"
    ours.mkdir()
    for name in ("sleep", "only-here"):
        shutil.copy("/bin/sh", ours / name)
    text = f"""\
        [circus]
        endpoint = ipc://{here.base}/c
        pubsub_endpoint = ipc://{here.base}/e

        [watcher:system]
        cmd = sleep 600

        [watcher:own]
        cmd = only-here -c "read nothing; while :; do /bin/sleep 1; done"
        """
    ini = str(write_watchers(here.directory, text, "circus.ini"))
    stack = here.circusd(ini, env={"PATH": f"{ours}:{here.environ['PATH']}"})
    [system], [own] = stack.pids("system"), stack.pids("own")
    assert not psutil.Process(system).exe().startswith(str(ours))
    assert psutil.Process(own).exe() == str(ours / "only-here")
    assert "PATH" not in psutil.Process(system).environ()
    assert stack.stop() == 0
    here.assert_nothing_left()
