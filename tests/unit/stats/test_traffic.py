"""Connections at each socket: whose workers accepted them, how many a second, and what is published of it."""

from __future__ import annotations

from typing import Any

from circus_stack.stats.metrics.served import Served
from circus_stack.stats.sockets.traffic import Traffic
from circus_stack.stats.wire import socket_fields, sockets_fields

WEB: dict[str, Any] = {"fd": 7, "name": "web", "host": "127.0.0.1", "port": 80, "backlog": 64, "watchers": ["web"]}
ADMIN = {**WEB, "fd": 8, "name": "admin", "watchers": ["admin"]}


class Clock:
    now = 10.0

    def __call__(self) -> float:
        return self.now


def measured(traffic: Traffic, *sockets: dict[str, Any], **accepted: int) -> list[tuple[object, object, object]]:
    served = {name: Served(accepted=count, statuses=(0, 0, 9, 0, 0, 0)) for name, count in accepted.items()}
    found = traffic.measured(sockets, served)
    return [(each["accepted"], each["accepted_per_s"], each["reads"]) for each in found]


def test_connections_a_second() -> None:
    clock = Clock()
    traffic = Traffic(clock)
    # Of what was before there is no time: only the mark is set.
    assert measured(traffic, WEB, ADMIN, web=40, admin=1) == [(40, None, 0), (1, None, 0)]
    clock.now += 2
    assert measured(traffic, WEB, ADMIN, web=45, admin=1) == [(45, 2.5, 5), (1, 0.0, 0)]


def test_a_socket_of_several_watchers_has_their_sum() -> None:
    both = {**WEB, "watchers": ["web", "admin", "idle"]}
    assert measured(Traffic(), both, web=2, admin=3) == [(5, None, 0)]


def test_what_cannot_be_told_apart_is_not_known() -> None:
    assert measured(Traffic(), WEB, {**ADMIN, "watchers": ["web"]}, web=2) == [(None, None, 0)] * 2
    # No worker of chaussette, a backend that doesn't count, an arbiter that doesn't say whose it is.
    assert measured(Traffic(), WEB) == measured(Traffic(), WEB, web=0) == [(None, None, 0)]
    assert measured(Traffic(), {"name": "web"}, web=2) == [(None, None, 0)]


def test_workers_that_were_counted_anew_take_nothing_back() -> None:
    clock = Clock()
    traffic = Traffic(clock)
    measured(traffic, WEB, web=40)
    clock.now += 1
    assert measured(traffic, WEB, web=3) == [(3, 0.0, 0)]


def test_circuss_fields_come_first() -> None:
    known = {**WEB, "queued": 2, "limit": 64, "drops": 1, "accepted": 9, "accepted_per_s": 2.5, "reads": 5}
    told = socket_fields(known, 100.0)
    assert list(told)[:4] == ["fd", "subtopic", "reads", "address"]
    assert (told["fd"], told["subtopic"], told["reads"], told["address"]) == (7, 7, 5, "127.0.0.1:80")
    assert (told["queued"], told["limit"], told["drops"], told["accepted_per_s"]) == (2, 64, 1, 2.5)
    total = sockets_fields([known, {"fd": 9, "path": "/run/u", "queued": None}], 100.0)
    assert list(total)[:2] == ["addresses", "reads"]
    assert (total["addresses"], total["reads"], total["queued"]) == (["127.0.0.1:80", "/run/u"], 5, 2)
    assert total["accepted_per_s"] == 2.5
    # One of which it cannot be told.
    assert sockets_fields([known, {**known, "accepted_per_s": None}], 100.0)["accepted_per_s"] is None
