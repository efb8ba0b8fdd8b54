"""What a start of each program costs the processor, beside another version of the code.

    chrt -r 10 python -m benchmarks.startup [--rounds 10] [--against TREE] [CASE...]

A row a case: the median and the least of user and system time, in ms, from exec to the end of a program, or until a
daemon or a worker says READY=1. With --against, a checkout of another version takes every other turn, so that the
machine's mood hits both alike. All of it is compiled first: an installed package is, and a machine that writes no
bytecode would have the compiler measured.
"""

from __future__ import annotations

import argparse
import compileall
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from .running_stack import median

HERE = Path(__file__).parents[1]
_READY_TIMEOUT_S = 60.0
_EXAMPLE = "examples/pyramid_app/development.ini"
_INI = """
[circus]
endpoint = ipc://{home}/c
pubsub_endpoint = ipc://{home}/p

[watcher:one]
cmd = sleep 100000
"""
_APP = "def app(environ, start_response):\n    start_response('200 OK', [])\n    return [b'']\n"
_BACKENDS = ("wsgiref", "waitress", "gevent", "fastgevent")


@dataclass(frozen=True)
class Site:
    """One version of the code, and a directory for what its programs write. The programs get the code by PYTHONPATH,
    which precedes what is installed."""

    tree: Path
    home: Path

    @property
    def environ(self) -> dict[str, str]:
        """What its programs find in the environment."""
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("CIRCUS", "NOTIFY", "LISTEN"))
        }
        # Not in the working directory, which may be another checkout.
        return kept | {"PYTHONPATH": str(self.tree), "PYTHONSAFEPATH": "1", "XDG_RUNTIME_DIR": str(self.home)}

    def argv(self, program: str, *words: str) -> list[str]:
        """The command line of a console script."""
        module, name = ("chaussette.cli", "main") if program == "chaussette" else ("circus_stack.cli.entry", program)
        code = f"import sys; sys.argv[0] = {program!r}; from {module} import {name.replace('-', '_')} as run; run()"
        return [sys.executable, "-c", code, *words]


def ended_ms(site: Site, argv: Sequence[str]) -> float:
    """The processor time of a program from its start to its end."""
    before = _children_ms()
    subprocess.run(argv, env=site.environ, cwd=site.tree, stdout=subprocess.DEVNULL, check=True, timeout=60)
    return _children_ms() - before


def _children_ms() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (usage.ru_utime + usage.ru_stime)


def ready_ms(site: Site, argv: Sequence[str]) -> float:
    """The processor time of a program until it says that it is ready; it is ended then."""
    with started(site, argv) as pid:
        return ran_ms(pid)


@contextmanager
def started(site: Site, argv: Sequence[str]) -> Iterator[int]:
    """The pid of a program that has said READY=1; it is ended behind."""
    path = site.home / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(path))
        notify.settimeout(_READY_TIMEOUT_S)
        environ: Mapping[str, str] = site.environ | {"NOTIFY_SOCKET": str(path)}
        with (site.home / "log").open("wb") as log:
            program = subprocess.Popen(argv, env=environ, cwd=site.home, stdout=log, stderr=log)
        try:
            while b"READY=1" not in notify.recv(4096):
                pass
            yield program.pid
        except TimeoutError:
            raise RuntimeError(f"{argv} is not ready:\n{(site.home / 'log').read_text()}") from None
        finally:
            path.unlink()
            program.send_signal(signal.SIGTERM)
            program.wait(_READY_TIMEOUT_S)


def ran_ms(pid: int) -> float:
    """What all threads of a process have run until now: /proc/PID/schedstat counts in ns, where `stat` has ticks."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e6


def listed_ms(site: Site) -> float:
    """`circusctl list` of a running arbiter."""
    with started(site, site.argv("circusd", str(site.home / "one.ini"))):
        return ended_ms(site, site.argv("circusctl", "--endpoint", f"ipc://{site.home}/c", "list"))


def worker_ms(backend: str, site: Site) -> float:
    """A worker of chaussette until it is ready."""
    words = ("--backend", backend, "--host", "127.0.0.1", "--port", "0", "application:app")
    path = f"{site.tree}:{site.home}"
    argv = site.argv("chaussette", *words)
    return ready_ms(site, ["env", f"PYTHONPATH={path}", *argv])


def _command(*words: str) -> Callable[[Site], float]:
    return lambda site: ended_ms(site, site.argv(*words))


CASES: Mapping[str, Callable[[Site], float]] = {
    "python -c pass": lambda site: ended_ms(site, [sys.executable, "-c", "pass"]),
    "circusctl --version": _command("circusctl", "--version"),
    "circusctl list": listed_ms,
    "circusd --version": _command("circusd", "--version"),
    "circusd, one watcher": lambda site: ready_ms(site, site.argv("circusd", str(site.home / "one.ini"))),
    "circus-stack check": lambda site: ended_ms(site, site.argv("circus-stack", "check", str(site.tree / _EXAMPLE))),
    **{f"worker, {backend}": partial(worker_ms, backend) for backend in _BACKENDS},
}


@dataclass
class Row:
    """A case and its figures, in ms, of this version and, where there is one, of the other."""

    case: str
    figures: list[list[float]] = field(default_factory=list)

    def __str__(self) -> str:
        columns = "".join(f"{median(each):10.0f}{min(each):7.0f}" for each in self.figures)
        if len(self.figures) < 2:
            return f"{self.case:22}{columns}"
        ours, theirs = self.figures
        return f"{self.case:22}{columns}{median(ours) / median(theirs):10.2f}{min(ours) / min(theirs):7.2f}"


def measure(case: str, sites: Sequence[Site], rounds: int) -> Row:
    """The figures of a case, taken in turn; a first turn, which nobody counts, reads the files."""
    turns = [[CASES[case](site) for site in sites] for _ in range(rounds + 1)][1:]
    return Row(case, [list(each) for each in zip(*turns, strict=True)])


def prepared(tree: Path, home: Path) -> Site:
    """A version of the code, compiled, and what its programs are run on."""
    home.mkdir(mode=0o700)
    for package in ("circus_stack", "chaussette"):
        compileall.compile_dir(tree / package, quiet=2)
    (home / "one.ini").write_text(_INI.format(home=home))
    (home / "application.py").write_text(_APP)
    return Site(tree, home)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"one of: {'; '.join(CASES)}")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--against", type=Path, metavar="TREE", help="a checkout of another version")
    options = parser.parse_args()
    if unknown := set(options.cases) - set(CASES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    trees = [HERE, *([options.against.absolute()] if options.against else [])]
    # A path of unix sockets must be short.
    with tempfile.TemporaryDirectory(prefix="su-", dir="/tmp") as home:
        sites = [prepared(tree, Path(home) / str(number)) for number, tree in enumerate(trees)]
        other = "    theirs  least     ratio  least" if options.against else ""
        print(f"{'ms of processor':22}    median  least{other}")
        for case in options.cases or CASES:
            print(measure(case, sites, options.rounds), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
