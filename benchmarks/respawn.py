"""How long a killed worker is missing: from its kill -9 until its successor is ready, beside a bare import.

    python -m benchmarks.respawn [--backend NAME]... [--rounds 15] [INI]

The bare import is a fresh Python that imports the backend (and patches, where the backend needs it) and loads the same
application, timed from its start until it says so through a pipe. Both are taken in turn, so that the machine's mood
hits both alike. The target (issue "Serve"): at most 50 ms more than the import.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from .running_stack import RunningStack, median, serve

BACKENDS = ("wsgiref", "waitress", "gevent", "fastgevent", "meinheld")
_INI = Path(__file__).parent.parent / "examples" / "pyramid_app" / "development.ini"
_IMPORTS = {
    "wsgiref": "import wsgiref.simple_server",
    "waitress": "import waitress.server",
    "gevent": "from gevent import monkey; monkey.patch_all(); import gevent.pywsgi",
    "meinheld": "import meinheld.server",
}
_LOAD = "from paste.deploy import loadapp; loadapp({uri!r}); import os; os.write(1, b'x')"


def bare_import_s(backend: str, ini: Path) -> float:
    """Seconds from the start of a Python until backend and application are imported."""
    code = f"{_IMPORTS[backend]}; {_LOAD.format(uri=f'config:{ini}')}"
    began = time.monotonic()
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as program:
        assert program.stdout is not None
        said = program.stdout.read(1)
        took = time.monotonic() - began
    if said != b"x":
        raise RuntimeError(f"the bare import failed: {code}")
    return took


def respawn_s(stack: RunningStack) -> float:
    """Seconds from kill -9 of a worker until the arbiter says that its successor is ready."""
    [victim, *_] = stack.pids()
    with stack.events("watcher.web.") as events:
        if not events.join(5.0):
            raise RuntimeError("no events")
        began = time.monotonic()
        os.kill(victim, signal.SIGKILL)
        deadline = began + 30.0
        while time.monotonic() < deadline:
            message = events.receive(1.0)
            if message is not None and message[0] == "watcher.web.ready":
                return time.monotonic() - began
    raise RuntimeError(f"no successor:\n{stack.log.read_text()}")


def measure(backend: str, rounds: int, ini: Path) -> bool:
    """Print both medians and their difference; whether it is within the target."""
    bare, killed = [], []
    with serve(str(ini), "--backend", backend, "--bind", "127.0.0.1:0", "--workers", "2", cwd=ini.parent) as stack:
        for _ in range(rounds):
            # The successor of the round before has to have served for a moment, or it counts as one that failed.
            time.sleep(1.2)
            bare.append(bare_import_s(backend, ini))
            killed.append(respawn_s(stack))
    more_ms = (median(killed) - median(bare)) * 1000
    print(
        f"{backend:9} killed -> ready {median(killed) * 1000:6.0f} ms, bare import {median(bare) * 1000:6.0f} ms, "
        f"difference {more_ms:+5.0f} ms (medians of {rounds})",
        flush=True,
    )
    return more_ms <= 50


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("ini", nargs="?", type=Path, default=_INI)
    parser.add_argument("--backend", action="append", choices=BACKENDS)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    results = [measure(each, options.rounds, options.ini.absolute()) for each in options.backend or BACKENDS]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
