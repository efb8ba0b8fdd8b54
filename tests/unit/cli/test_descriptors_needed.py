"""What the arbiter counts before a start: descriptors for each process and its successor, sockets, and its own."""

from __future__ import annotations

import pytest

from circus_stack.cli.descriptors import descriptors_needed, look_at_descriptors
from circus_stack.config.schema import CircusConfig, SocketConfig, SourceKind, StackConfig, WatcherConfig

STACK = StackConfig(
    source="app.ini",
    kind=SourceKind.CIRCUS,
    circus=CircusConfig(),
    sockets=(SocketConfig(name="web", host="127.0.0.1", port=0),),
    watchers=(
        WatcherConfig(name="web", cmd="serve", numprocesses=170),
        WatcherConfig(name="redis", cmd="redis-server", singleton=True),
    ),
)
NEEDED = 171 * 6 + 1 + 64


def test_everything_is_counted() -> None:
    assert descriptors_needed(STACK) == NEEDED


@pytest.mark.parametrize("most", [NEEDED, None])
def test_enough_is_no_word_worth(most: int | None) -> None:
    assert list(look_at_descriptors(STACK, most)) == []


def test_too_few_are_told_with_the_number_that_would_do() -> None:
    [warning] = look_at_descriptors(STACK, NEEDED - 1)
    assert f"needs up to {NEEDED} open files" in str(warning)
    assert f"LimitNOFILE={NEEDED}" in str(warning)
