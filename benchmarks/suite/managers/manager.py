"""What every process manager of the suite is told and asked; the words in which it is told are each one's own."""

from __future__ import annotations

import contextlib
import sys
from abc import ABC, abstractmethod
from pathlib import Path

from msgspec import Struct

# The programs that each is told to keep: many idle ones, some that tell when they run, one that ignores SIGTERM, one
# that writes lines, and one that burns a share of a processor.
MANY, TOLD, DEAF, LOAD, BURN = PROGRAMS = "many", "told", "deaf", "load", "burn"
TOLD_COUNT = 11
BURN_PERCENT = 30

# SIZE WIDTH: so many bytes to standard output, in lines of that width, as fast as they are taken.
WRITER = """
import os, sys
size, width = int(sys.argv[1]), int(sys.argv[2])
line = b"x" * (width - 1) + b"\\n"
block = line * max(1, 65536 // width)
left = size
while left > 0:
    left -= os.write(1, block[:left])
"""
_TELLER = """#!/bin/sh
echo $$ >"$1"
exec sleep 100000
"""
_BURN = """
import sys, time
share, began = float(sys.argv[1]) / 100, time.monotonic()
while True:
    while time.process_time() < share * (time.monotonic() - began): pass
    time.sleep(0.02)
"""
_DEAF = """#!/bin/sh
trap '' TERM
while :; do sleep 1; done
"""


class Site(Struct, frozen=True):
    """Where a manager runs. `home`: its own directory, of a short path, since sockets stand in it. `count`: of MANY.
    `deaf_s`: how long a stop waits before it kills. `has_statistics`: whether it computes them, where it can."""

    home: Path
    programs: Path
    count: int
    deaf_s: float
    log_bytes: int
    line_bytes: int
    has_statistics: bool

    @property
    def fifo(self) -> Path:
        """Where each of TOLD writes its pid when it runs."""
        return self.home / "told"

    @property
    def log(self) -> Path:
        """The file that the lines of LOAD are to reach."""
        return self.home / "lines"

    def write_programs(self) -> None:
        """The scripts that the commands name."""
        for name, text in (("writer.py", WRITER), ("burn.py", _BURN), ("teller", _TELLER), ("deaf", _DEAF)):
            (self.home / name).write_text(text)
            (self.home / name).chmod(0o700)

    def command(self, name: str) -> str:
        """Of one of the programs."""
        return {
            MANY: "sleep 100000",
            TOLD: f"{self.home}/teller {self.fifo}",
            DEAF: f"{self.home}/deaf",
            BURN: f"{sys.executable} -S {self.home}/burn.py {BURN_PERCENT}",
            LOAD: f"{sys.executable} -S {self.home}/writer.py {self.log_bytes} {self.line_bytes}",
        }[name]


class Control(ABC):
    """A client that stays connected. Whatever fails raises ControlError."""

    @abstractmethod
    def start(self, name: str) -> None:
        """Return when all processes of the program run."""

    @abstractmethod
    def stop(self, name: str) -> None:
        """Return when all processes of the program are gone."""

    @abstractmethod
    def begin_stop(self, name: str) -> None:
        """Have it stopped, and return at once."""

    @abstractmethod
    def pids(self, name: str) -> list[int]:
        """Of the processes of the program."""

    @abstractmethod
    def ask(self) -> None:
        """Something that costs nothing: what the manager's name or programs are."""


class ControlError(Exception):
    """The manager refused, or did not answer; the text has its own words."""


class Manager(ABC):
    """`requirements`: of its own environment; none for ours. `distributions`: whose versions are recorded."""

    name: str
    help: str
    distributions: tuple[str, ...]
    requirements: tuple[str, ...] = ()
    has_statistics: bool = True

    @abstractmethod
    def argv(self, site: Site) -> list[str]:
        """The command that runs it in the foreground; writes its configuration."""

    @abstractmethod
    def connect(self, site: Site) -> contextlib.AbstractContextManager[Control]:
        """ControlError where it is not there (yet)."""
