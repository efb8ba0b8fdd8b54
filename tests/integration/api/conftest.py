"""Endpoints of a test's own, and an embedded arbiter that is stopped at the end whatever happens."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from circus_stack.api import get_arbiter
from circus_stack.api.arbiter import ThreadedArbiter


@pytest.fixture
def endpoints(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Arguments of get_arbiter; a unix socket's path is short, pytest's directories are not."""
    base = Path(tempfile.mkdtemp(prefix="cs", dir="/tmp"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(base))
    monkeypatch.setenv("XDG_STATE_HOME", str(base))
    yield {"controller": f"ipc://{base}/c", "pubsub_endpoint": f"ipc://{base}/p"}
    shutil.rmtree(base, ignore_errors=True)


@pytest.fixture
def background(endpoints: dict[str, str]) -> Iterator[Callable[..., ThreadedArbiter]]:
    """Starts an arbiter in a thread of the test's own process."""
    started: list[ThreadedArbiter] = []

    def start(*watchers: dict[str, Any], **options: Any) -> ThreadedArbiter:
        arbiter = get_arbiter(watchers, background=True, **{**endpoints, "check_delay": 0.1, **options})
        assert isinstance(arbiter, ThreadedArbiter)
        started.append(arbiter)
        arbiter.start()
        return arbiter

    yield start
    for arbiter in started:
        arbiter.stop()
        assert not arbiter.is_alive()
