"""The kernel of IPython: who gets none, and that a failure of it is no failure of the arbiter."""

from __future__ import annotations

import importlib.util

import pytest

from circus_stack.daemon import shell
from circus_stack.daemon.shell import DebugShell


def test_without_debug_there_is_none() -> None:
    assert DebugShell({}).open(is_debug=False) == (False, "no shell: set debug = true in [circus] to have one")


def test_without_ipykernel_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    found, message = DebugShell({}).open(is_debug=True)

    assert found is False
    assert message.startswith("no shell: No module named 'ipykernel'")


@pytest.mark.parametrize("error", [SystemExit(1), RuntimeError("no port")])
def test_a_kernel_that_fails_takes_nobody_with_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: BaseException
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(shell, "_application", fail)

    assert DebugShell({}).open(is_debug=True) == (False, f"no shell: {error}")
    assert "no kernel of IPython could be started" in caplog.text
