"""How the client of an upgrade waits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from circus_stack.cli.upgrading import upgrade
from circus_stack.client.sync import Client
from circus_stack.errors import CallError


class _Silent(Client):
    """Nobody answers."""

    def __init__(self) -> None:
        """Connects to nothing."""

    def begin(self, command: str, properties: Mapping[str, Any]) -> str:
        return "1"

    def reply(self, id: str, timeout_s: float) -> None:
        return None


def test_it_ends_with_an_arbiter_that_ends_in_the_rehearsal() -> None:
    looks = iter([True, True, False])

    with pytest.raises(CallError, match="has ended before the upgrade; the processes live on"):
        upgrade(_Silent(), {}, lambda: next(looks))
