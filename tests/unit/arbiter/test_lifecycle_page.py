"""The diagrams of the page are what the tables say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from circus_stack.errors import IllegalStepError
from circus_stack.states import (
    PROCESS_TABLE,
    WATCHER_TABLE,
    ProcessState,
    ProcessStep,
    WatcherState,
    WatcherStep,
    step_process,
    step_watcher,
)

ROOT = Path(__file__).parents[3]


def test_the_page_is_up_to_date() -> None:
    result = subprocess.run(
        [sys.executable, "tools/lifecycle_diagrams.py", "--check"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("state", ProcessState)
@pytest.mark.parametrize("step", ProcessStep)
def test_every_step_of_a_process_is_legal_or_raises(state: ProcessState, step: ProcessStep) -> None:
    if (state, step) in PROCESS_TABLE:
        assert step_process(state, step) is PROCESS_TABLE[state, step]
    else:
        with pytest.raises(IllegalStepError):
            step_process(state, step)


@pytest.mark.parametrize("state", WatcherState)
@pytest.mark.parametrize("step", WatcherStep)
def test_every_step_of_a_watcher_is_legal_or_raises(state: WatcherState, step: WatcherStep) -> None:
    if (state, step) in WATCHER_TABLE:
        assert step_watcher(state, step) is WATCHER_TABLE[state, step]
    else:
        with pytest.raises(IllegalStepError):
            step_watcher(state, step)
