"""A circusctl that a test asks, of either side, against a daemon of either side."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.compat.daemons import THEIRS, Daemon
from tests.compat.released import PEER_PYTHON
from tests.compat.step import CHANGES
from tests.support.processes import PYTHON

_RUNNER = Path(__file__).parent / "programs" / "ctl_runner.py"
# Numbers of processes, and figures that are others at each look.
_FIGURES = re.compile(r"\b\d+:\d\d\.\d+|\b\d+(?:\.\d+)?[KMG]?B?\b")


@dataclass(frozen=True)
class Told:
    """What one run ended with and printed."""

    status: int
    out: str
    err: str

    def lines(self) -> list[str]:
        """Both outputs without figures, and without what stands at the ends of lines."""
        return [_FIGURES.sub("#", line).strip() for line in (self.out + self.err).splitlines() if line.strip()]

    def json(self) -> Any:
        return json.loads(self.out)


class Ctl:
    """The program of a side, in one interpreter for all runs."""

    def __init__(self, side: str, daemon: Daemon) -> None:
        python, module = (PEER_PYTHON, "circus.circusctl") if side == THEIRS else (PYTHON, "circus_stack.cli.circusctl")
        self.daemon = daemon
        self._runner = subprocess.Popen(
            [str(python), str(_RUNNER), module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=daemon.directory,
            # Of our own tree only where it is installed: the script's directory comes first on the path.
            env={**daemon.stack.room.environ, "PYTHONSAFEPATH": "1"},
        )

    def run(self, *words: str) -> Told:
        assert self._runner.stdin and self._runner.stdout
        self._runner.stdin.write(json.dumps(["--endpoint", self.daemon.endpoint, *words]) + "\n")
        self._runner.stdin.flush()
        line = self._runner.stdout.readline()
        assert line, f"circusctl {words} ended its interpreter with {self._runner.wait(10)}"
        return Told(*self.daemon.neutral(json.loads(line)))

    def run_all(self, commands: Sequence[str]) -> dict[str, Told]:
        """Each command, and rest after what changes something."""
        told: dict[str, Told] = {}
        for command in commands:
            told[command] = self.run(*command.split())
            if CHANGES & set(command.split()):
                self.daemon.settle()
        return told

    def __enter__(self) -> Ctl:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._runner.kill()
        self._runner.communicate()
