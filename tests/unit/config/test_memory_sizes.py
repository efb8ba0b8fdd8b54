"""Amounts of memory as files write them, and what they come to."""

from __future__ import annotations

import pytest

from circus_stack.config.check_watcher import check_watcher
from circus_stack.config.kinds import INTERVAL, MEMORY, parse_memory
from circus_stack.config.problems import Problems
from circus_stack.config.schema import WatcherConfig
from circus_stack.config.values import MemorySize


def never_asked() -> int:
    raise AssertionError("only a share needs to know how much there is")


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1048576", 1024**2),
        ("512M", 512 * 1024**2),
        ("512 mb", 512 * 1024**2),
        ("1.5GiB", 1536 * 1024**2),
        ("64k", 65536),
        ("1T", 1024**4),
        ("9007199254740993", 9007199254740993),
    ],
)
def test_bytes(text: str, size: int) -> None:
    found = parse_memory(text)
    assert found is not None
    assert found.bytes_of(never_asked) == size
    assert parse_memory(str(found)) == found


def test_a_share_of_what_there_is() -> None:
    found = parse_memory("12.5 %")
    assert found is not None
    assert found.bytes_of(lambda: 8000) == 1000
    assert str(found) == "12.5 percent"
    for text in ("33.333333333%", "5 Percent"):
        assert parse_memory(str(parse_memory(text))) == parse_memory(text)


@pytest.mark.parametrize("text", ["0", "0%", "0M"])
def test_nothing_is_no_limit(text: str) -> None:
    assert parse_memory(text) is None


@pytest.mark.parametrize(
    "text", ["-1", "1e3", "many", "M", "101%", "5 X", "1.M", "9223372036854775808", "1" * 5000, "٣M"]
)
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        MEMORY.parse(text)


@pytest.mark.parametrize(
    ("text", "is_legal"), [("0.1", True), ("5", True), ("0.05", False), ("0", False), ("inf", False)]
)
def test_looks_have_a_least_interval(text: str, is_legal: bool) -> None:
    if is_legal:
        assert INTERVAL.parse(text) == float(text)
    else:
        with pytest.raises(ValueError, match=r"."):
            INTERVAL.parse(text)


def test_who_is_to_be_replaced_must_not_be_killed_before() -> None:
    def mistakes(soft: str, hard: str) -> list[str]:
        problems = Problems()
        watcher = WatcherConfig(name="w", cmd="x", max_memory=parse_memory(soft), max_memory_hard=parse_memory(hard))
        check_watcher(watcher, problems)
        return [each.message for each in problems.mistakes]

    assert mistakes("512M", "511M") == ["is less than max_memory = 512M"]
    assert mistakes("512M", "512M") == mistakes("50%", "1M") == mistakes("0", "1M") == []
    assert MemorySize(1.0) == MemorySize(1)
