"""The stack that stands in the pictures of the documents: a small shop under a little load.

Three workers that answer in some milliseconds, a mailer that writes lines, a job that ends now and then until it is
given up, and others.
"""

from __future__ import annotations

import contextlib
import http.client
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.running_stack import RunningStack, serve

SHOP = """
import random, time

def make(_config, **_settings):
    def app(environ, start_response):
        time.sleep(random.expovariate(120))
        status = "500 Internal Server Error" if random.random() < 0.01 else "200 OK"
        start_response(status, [("Content-Type", "text/plain"), ("Content-Length", "6")])
        if random.random() < 0.05:
            print("order", random.randrange(1000, 9999), "was placed", flush=True)
        return [b"hello\\n"]
    return app
"""
INI = """
[app:main]
paste.app_factory = shop:make
[server:main]
use = egg:circus-stack
listen = 127.0.0.1:0
backend = gevent
workers = 3
[circus]
statsd = true
{circus}
[watcher:mailer]
cmd = {python} mailer.py
[watcher:thumbnails]
cmd = sh -c 'sleep 7; echo "cannot read the picture" >&2; exit 1'
numprocesses = 2
[watcher:search]
cmd = sleep 100000
[watcher:invoices]
cmd = sleep 100000
numprocesses = 2
depends_on = search
health = exec:true
"""

MAILER = """
import itertools, random, time

for number in itertools.count(4000):
    level, colour, text = random.choice([
        ("INFO", 32, "sent invoice %d to a customer"), ("INFO", 32, "sent receipt %d"),
        ("INFO", 32, "the queue is empty after %d"), ("WARNING", 33, "message %d has waited for 31 s"),
        ("ERROR", 31, "message %d was refused: no such mailbox"),
    ])
    print(f"\\033[{colour}m{level:8}\\033[0m " + text % number, flush=True)
    time.sleep(random.expovariate(2))
"""


@contextlib.contextmanager
def shop(environ: dict[str, str] | None = None, circus: str = "") -> Iterator[RunningStack]:
    """The stack, with clients; `circus` are further lines of its section [circus]."""
    with tempfile.TemporaryDirectory(prefix="cst", dir="/tmp") as home:
        base = Path(home)
        (base / "shop.py").write_text(SHOP)
        (base / "mailer.py").write_text(MAILER)
        (base / "shop.ini").write_text(INI.format(python=sys.executable, circus=circus))
        environ = {"PYTHONPATH": home, **(environ or {})}
        with serve(str(base / "shop.ini"), cwd=base, environ=environ) as stack, _load(stack.port):
            yield stack


@contextlib.contextmanager
def _load(port: int) -> Iterator[None]:
    ends = threading.Event()
    clients = [threading.Thread(target=_ask, args=(port, ends)) for _ in range(4)]
    for each in clients:
        each.start()
    try:
        yield
    finally:
        ends.set()
        for each in clients:
            each.join()


def _ask(port: int, ends: threading.Event) -> None:
    while not ends.is_set():
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
            connection.request("GET", "/")
            connection.getresponse().read()
        # More and less by turns, so that there is something to be seen.
        ends.wait(random.expovariate(20 + 40 * (time.monotonic() % 60 > 30)))
