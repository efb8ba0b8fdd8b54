"""The trial of backends of chaussette, in a process of its own that doctor starts: it has no threads, and may fork.

Each is imported in a fork, since it may leave marks, kill its process or hang; what all of them import is imported
once, which halves the work.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from typing import Any

from chaussette.backends.registry import status

# Nearly all backends need them: a fork shares what is there already.
_SHARED = ("chaussette.lifecycle", "importlib.metadata")

# A cold import from a slow disk; beyond it, doctor should say so and go on.
LIMIT_S = 20


def try_all(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Name -> {"status": fields of a BackendStatus or None, "failure": why there is none}."""
    for module in _SHARED:
        importlib.import_module(module)
    begun = {name: _begin(name) for name in names}
    return {name: _end(*each) for name, each in begun.items()}


def _begin(name: str) -> tuple[int, int, int]:
    """The pid of the fork, and the files for what it says and for its errors."""
    said, errors = os.memfd_create("said"), os.memfd_create("errors")
    pid = os.fork()
    if pid == 0:
        _tell(name, said, errors)
    return pid, said, errors


def _tell(name: str, said: int, errors: int) -> None:
    """In the fork: whatever happens, it ends here."""
    code = 1
    try:
        signal.alarm(LIMIT_S)
        os.dup2(errors, 1)
        os.dup2(errors, 2)
        os.write(said, json.dumps(dataclasses.asdict(status(name))).encode())
        code = 0
    except BaseException:  # an import may raise anything
        traceback.print_exc()
    finally:
        os._exit(code)


def _end(pid: int, said: int, errors: int) -> dict[str, Any]:
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    answer, lines = _read(said), _read(errors).strip().splitlines()
    if code == 0 and answer:
        return {"status": json.loads(answer), "failure": ""}
    if code == -signal.SIGALRM:
        return {"status": None, "failure": f"no answer within {LIMIT_S} s"}
    if code < 0:
        return {"status": None, "failure": f"the import ended by signal {-code}"}
    return {"status": None, "failure": (lines or ["the import ended without a word"])[-1]}


def _read(fd: int) -> str:
    os.lseek(fd, 0, os.SEEK_SET)
    with open(fd, errors="replace") as file:
        return file.read()


def main() -> None:
    """Print what `try_all` says of the backends that were named."""
    sys.stdout.write(json.dumps(try_all(sys.argv[1:])))
