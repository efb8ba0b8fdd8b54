"""What holds for the whole run."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support.bytecode import compile_programs, kept_assertions
from tests.support.forked import start_server


def pytest_configure(config: pytest.Config) -> None:
    """Let the programs under test hear Ctrl-C: the background job of a script starts with SIGINT ignored, and every
    program started by it would inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # Run by make or by hand, the programs under test find the same environment.
    for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL"):
        os.environ.pop(name, None)
    # A program beside each of the many stacks would cost the suite minutes: a test that is about it asks for it.
    os.environ["CIRCUS_STACK_STATSD"] = "0"
    os.environ["CIRCUS_STACK_HTTPD"] = "0"
    # A process of xdist finds done what the first one did.
    if not hasattr(config, "workerinput"):
        compile_programs()
    start_server()
    # The same examples in every run: who wants others asks for them, and for how many, by this variable.
    # How long one takes is no matter of theirs: another program may have the processor meanwhile.
    settings.register_profile(
        "suite",
        derandomize="CIRCUS_STACK_FUZZ" not in os.environ,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile("suite")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Tests are imported while they are collected."""
    with kept_assertions():
        return (yield)


@pytest.fixture
def as_root() -> None:
    """For what only root can do: become somebody else, give a file away, mount. Never skipped: unseen is untested."""
    assert os.geteuid() == 0, "a machine that is prepared for the tests runs them as root"


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A directory with a path so short that unix sockets fit below it, however deep pytest's own are."""
    path = Path(tempfile.mkdtemp(prefix="cs-", dir="/tmp"))
    yield path
    shutil.rmtree(path, ignore_errors=True)
