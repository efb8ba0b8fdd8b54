"""The ring of the last lines, and the feed of those to come."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from circus_stack.streams.block import MAX_LINE, Block, Origin
from circus_stack.streams.tail import Entry, LiveTail, numbered


def block(data: bytes, watcher: str = "web", pid: int = 10) -> Block:
    return Block(Origin(watcher, 1, pid, "stdout"), 1.0, data)


def texts(entries: list[Entry]) -> list[bytes]:
    return [line.data for _, line in entries]


def test_keeps_the_newest_lines() -> None:
    tail = LiveTail(max_lines=3)
    for number in range(10):
        tail.add(block(b"%d\n" % number))
    assert texts(tail.snapshot("web")) == [b"7", b"8", b"9"]


def test_keeps_the_newest_lines_of_one_large_block() -> None:
    tail = LiveTail(max_lines=2)
    tail.add(block(b"a\nb\nc\n"))
    assert texts(tail.snapshot("web")) == [b"b", b"c"]


def test_is_bounded_in_bytes() -> None:
    tail = LiveTail(max_bytes=100)
    for _ in range(50):
        tail.add(block(b"x" * 39 + b"\n"))
    assert len(tail.snapshot("web")) == 2


def test_a_line_longer_than_the_ring_is_kept_until_the_next() -> None:
    tail = LiveTail(max_bytes=10)
    tail.add(block(b"x" * 50 + b"\n"))
    assert texts(tail.snapshot()) == [b"x" * 50]
    tail.add(block(b"y\n"))
    assert texts(tail.snapshot()) == [b"y"]


def test_one_watcher_does_not_push_out_another() -> None:
    tail = LiveTail(max_lines=2)
    tail.add(block(b"rare\n", "redis"))
    for _ in range(10):
        tail.add(block(b"noise\n"))
    assert texts(tail.snapshot("redis")) == [b"rare"]


def test_merges_watchers_in_the_order_of_arrival() -> None:
    tail = LiveTail()
    tail.add(block(b"1\n", "web"))
    tail.add(block(b"2\n", "redis"))
    tail.add(block(b"3\n", "web"))
    assert texts(tail.snapshot()) == [b"1", b"2", b"3"]


def test_selects_a_process_and_limits() -> None:
    tail = LiveTail()
    tail.add(block(b"a\nb\n", pid=1))
    tail.add(block(b"c\n", pid=2))
    tail.add(block(b"d\n", pid=1))
    assert texts(tail.snapshot("web", pid=1)) == [b"a", b"b", b"d"]
    assert texts(tail.snapshot("web", pid=1, limit=2)) == [b"b", b"d"]
    assert texts(tail.snapshot("web", stream="stderr")) == []
    assert texts(tail.snapshot(limit=0)) == []
    assert tail.snapshot("nobody") == []


def test_a_subscriber_continues_where_the_snapshot_ended() -> None:
    tail = LiveTail()
    tail.add(block(b"old\n"))
    heard: list[tuple[int, bytes]] = []
    unsubscribe = tail.subscribe(lambda position, block: heard.extend(numbered(position, block.data)))
    snapshot = tail.snapshot()
    tail.add(block(b"new\nnewer\n"))
    assert [line for _, line in heard] == [b"new", b"newer"]
    assert heard[0][0] > snapshot[-1][0]
    unsubscribe()
    unsubscribe()
    tail.add(block(b"unheard\n"))
    assert len(heard) == 2


def test_a_subscriber_may_leave_while_it_is_called() -> None:
    tail = LiveTail()
    calls: list[str] = []

    def first(_position: int, _block: object) -> None:
        calls.append("first")
        leave()

    leave = tail.subscribe(first)
    tail.subscribe(lambda _position, _block: calls.append("second"))
    tail.add(block(b"x\n"))
    tail.add(block(b"x\n"))
    assert calls == ["first", "second", "second"]


def test_a_line_has_the_same_number_for_everybody() -> None:
    tail = LiveTail()
    heard: list[tuple[int, bytes]] = []
    tail.subscribe(lambda position, block: heard.extend(numbered(position, block.data)))
    tail.add(block(b"a\nb\nc"))
    assert [(number, line.data) for number, line in tail.snapshot()] == heard


def test_forgets_a_watcher() -> None:
    tail = LiveTail()
    tail.add(block(b"x\n"))
    tail.forget("web")
    tail.forget("web")
    assert tail.snapshot() == []


@given(
    st.lists(
        st.sampled_from([b"\n", b"a\n", b"\n\nb\n", b"x" * (MAX_LINE + 1), b"y" * 2 * MAX_LINE + b"\n"]), max_size=6
    )
)
def test_numbers_are_positions_in_all_that_was_captured(parts: list[bytes]) -> None:
    tail = LiveTail(max_bytes=10**9)
    for part in parts:
        tail.add(block(part))
    everything = b"".join(parts)
    entries = tail.snapshot()
    assert [everything[position : position + len(line.data)] for position, line in entries] == texts(entries)
    assert sorted({position for position, _ in entries}) == [position for position, _ in entries]
