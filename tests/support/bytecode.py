"""What may be compiled once for a whole run of tests: this tree; nothing that a test writes.

A machine with PYTHONDONTWRITEBYTECODE would compile some 400 modules in each of the thousands of programs that the
tests start (a third of their processor time), and the tests themselves in each process of xdist.
"""

from __future__ import annotations

import compileall
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
_PROGRAMS = ("circus_stack", "chaussette", "benchmarks", "tests", "examples/pyramid_app")
# pytest compiles them in its own way.
_TESTS = re.compile(r"/(test_\w+|conftest)\.py$")


def compile_programs() -> None:
    """Compile what the programs under test import, where it isn't compiled yet, and let them write nothing.

    A compiled file is known by time in seconds and size of its source: a test that writes a module, runs it and writes
    it anew, as long as before, would see its first text again.
    """
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    for folder in _PROGRAMS:
        compileall.compile_dir(ROOT / folder, quiet=2, rx=_TESTS)


@contextmanager
def kept_assertions() -> Iterator[None]:
    """While tests are imported: keep them as pytest has rewritten them, for the next run."""
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, False
    try:
        yield
    finally:
        sys.dont_write_bytecode = before
