"""Whether reloads lose a request: wrk at 32 connections on a served app while its workers are replaced.

    python -m benchmarks.reload_under_load [--backend NAME]... [--reloads 20] [--close]

Each reload reads the configuration again, starts new workers, waits until they are ready and retires the old ones.
Prints a line a backend; exit status 1 if any request or connection failed. `--close`: a connection a request.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from .running_stack import median, serve
from .wrk import wrk

BACKENDS = ("wsgiref", "waitress", "gevent", "fastgevent", "meinheld")
_APP = """
def app(environ, start_response):
    body = b"hello"
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
"""


def measure(backend: str, reloads: int, *, close: bool) -> bool:
    """Reload under load and print what happened; whether nothing failed."""
    with tempfile.TemporaryDirectory(prefix="csr") as directory:
        Path(directory, "hello.py").write_text(_APP)
        arguments = ["hello:app", "--bind", "127.0.0.1:0", "--workers", "2", "--backend", backend]
        with serve(*arguments, cwd=Path(directory)) as stack, stack.client() as client:
            took = []
            with wrk(stack.port, header="Connection: close" if close else None) as report:
                time.sleep(0.5)
                for _ in range(reloads):
                    began = time.monotonic()
                    client.call("reloadconfig", roll=True, waiting=True)
                    took.append(time.monotonic() - began)
                time.sleep(0.5)
    failed = report.errors + report.not_2xx
    print(
        f"{backend:9} {reloads} reloads, median {median(took):.2f} s each; {report.requests} requests, "
        f"{report.requests_per_s:.0f}/s; {report.errors} connection errors, {report.not_2xx} failed requests",
        flush=True,
    )
    if failed:
        print(report.text)
    return not failed


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--backend", action="append", choices=BACKENDS)
    parser.add_argument("--reloads", type=int, default=20)
    parser.add_argument("--close", action="store_true", help="a connection a request")
    options = parser.parse_args()
    results = [measure(each, options.reloads, close=options.close) for each in options.backend or BACKENDS]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
