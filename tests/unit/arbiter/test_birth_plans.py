"""What a zygote is told of the processes that it is to fork."""

from __future__ import annotations

from itertools import count

import pytest

from chaussette.zygote.messages import MOST_BYTES, MOST_FDS, decode_fork
from circus_stack.arbiter.birth_plans import packets, zygote_plan
from circus_stack.system.spawn import SpawnPlan


def plan(number: int = 0, **more: object) -> SpawnPlan:
    values: dict[str, object] = {
        "argv": ["chaussette", "--fd", "7", "app:app"],
        "env": {"PATH": "/bin", "WID": str(number), "NOTIFY_SOCKET": "/n"},
        "cwd": "/srv",
        "identity": None,
        "pass_fds": (7,),
        "stdout_fd": 100 + 3 * number,
        "stderr_fd": 101 + 3 * number,
    }
    return SpawnPlan(**{**values, **more})  # type: ignore[arg-type]


def test_the_zygote_is_started_like_its_workers_but_without_sockets_and_words() -> None:
    like = plan(stdin_fd=0, moved_fds={3: 9}, limits={"nofile": (5, 5)}, tells_pid=True)
    found = zygote_plan(like, 40)
    assert found.env == {"PATH": "/bin", "WID": "0", "CHAUSSETTE_ZYGOTE": "40"}
    assert (found.pass_fds, found.moved_fds, found.stdin_fd, found.tells_pid) == ((40,), {}, None, False)
    assert (found.argv, found.cwd, found.limits) == (like.argv, "/srv", {"nofile": (5, 5)})


def test_a_birth_says_what_differs_and_names_descriptors_by_their_place() -> None:
    zygote = zygote_plan(plan(), 40).env | {"OLD": "1"}
    (packet,) = packets([plan(1), plan(2, stdin_fd=7, moved_fds={3: 55}, pass_fds=())], [90, 91], zygote, count(7))
    first, second = decode_fork(packet.data).births
    assert packet.count == 2
    assert packet.number == decode_fork(packet.data).number == 7
    assert first.changes == {"WID": "1", "NOTIFY_SOCKET": "/n", "OLD": None}
    assert first.argv == ("chaussette", "--fd", "7", "app:app")
    assert {number: packet.fds[place] for number, place in first.fds.items()} == {1: 103, 2: 104, 7: 7}
    assert {number: packet.fds[place] for number, place in second.fds.items()} == {0: 7, 1: 106, 2: 107, 3: 55}
    assert [packet.fds[each.gate] for each in (first, second)] == [90, 91]
    # What they share is sent once.
    assert len(set(packet.fds)) == len(packet.fds) == 8


def test_what_does_not_fit_into_one_packet_comes_in_several_in_its_order() -> None:
    plans = [plan(number, env={"WID": str(number), "LONG": "x" * 4000}) for number in range(100)]
    gates = [1000 + number for number in range(100)]
    found = list(packets(plans, gates, {}, count(1)))
    births = [(birth, packet) for packet in found for birth in decode_fork(packet.data).births]
    assert [birth.changes["WID"] for birth, _ in births] == [str(number) for number in range(100)]
    assert [packet.fds[birth.gate] for birth, packet in births] == gates
    assert sum(packet.count for packet in found) == 100
    assert [decode_fork(packet.data).number for packet in found] == list(range(1, len(found) + 1))
    assert all(len(packet.data) <= MOST_BYTES and len(packet.fds) <= MOST_FDS for packet in found)
    assert len(found) > 3


def test_one_that_is_too_large_by_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="bytes"):
        list(packets([plan(env={"HUGE": "x" * MOST_BYTES})], [90], {}, count(1)))
