"""The limit of open files that a child has from its first moment, started by a program that has raised its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

# A program of its own: what is raised here stays raised. It starts the shells and prints what each of them was allowed.
_PROGRAM = """\
import json, os, resource, sys, threading
from circus_stack.system import open_files
from circus_stack.system.spawn import Child, SpawnPlan, spawn_all

options = json.loads(sys.argv[1])
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (options["soft"], hard))
open_files.raise_open_files()
null = os.open(os.devnull, os.O_RDWR)
held = [os.dup(null) for _ in range(options["held"])]

failed, over = [], threading.Event()
def open_and_close():
    while not over.is_set():
        try:
            os.close(os.dup(null))
        except OSError as error:
            failed.append(str(error))
other = threading.Thread(target=open_and_close)
other.start()

pipes = [os.pipe() for _ in range(options["count"])]
argv = ["sh", "-c", "ulimit -Sn; ulimit -Hn"]
limits = options["limits"]
plans = [SpawnPlan(argv, dict(os.environ), None, None, (), writer, 2, limits=limits) for _, writer in pipes]
said = []
for (reader, writer), child in zip(pipes, spawn_all(plans)):
    os.close(writer)
    if isinstance(child, Child):
        os.waitpid(child.pid, 0)
        said.append(os.read(reader, 100).decode().split())
    else:
        said.append(str(child))
over.set()
other.join()
limits = resource.getrlimit(resource.RLIMIT_NOFILE)
print(json.dumps({"said": said, "failed": failed, "limits": limits, "hard": hard}))
"""


def shells(**options: object) -> Mapping[str, Any]:
    """What they said, and what became of another thread and of the program's own limit meanwhile."""
    told = json.dumps({"soft": 600, "held": 0, "count": 40, "limits": {}, **options})
    argv = [sys.executable, "-c", _PROGRAM, told]
    root = Path(__file__).parents[3]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True, cwd=root, env=dict(os.environ))
    found: Mapping[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("held", [0, 420, 1200])
def test_a_child_begins_with_the_limit_that_its_arbiter_was_given(held: int) -> None:
    found = shells(held=held)
    assert found["said"] == [["600", str(found["hard"])]] * 40
    assert found["failed"] == [], "another thread could open files all the time"
    assert found["limits"] == [found["hard"], found["hard"]], "the arbiter's own is what it was"


def test_a_limit_of_its_own_counts() -> None:
    assert shells(count=3, limits={"nofile": [100, 200]})["said"] == [["100", "200"]] * 3
