"""What is made of a scoreboard that a worker writes over: figures that can be sent, kept and shown, and no error."""

from __future__ import annotations

import contextlib
import math
import os
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from chaussette.scoreboard import Board, Slot, layout
from circus_stack.protocol.codec import decode, encode
from circus_stack.stats.aggregate import Totals, total_of_stack
from circus_stack.stats.history.rings import FIELDS, pack_point
from circus_stack.stats.metrics.exporter import _Once
from circus_stack.stats.metrics.figures import KnownFigures
from circus_stack.stats.metrics.page import families
from circus_stack.stats.metrics.tally import Tally
from circus_stack.stats.serving import Serving
from circus_stack.stats.sockets.traffic import Traffic
from circus_stack.stats.wire import totals_fields

MOST, LEAST = 2**63 - 1, -(2**63)
WORDS = st.one_of(st.sampled_from([0, 1, -1, MOST, LEAST, layout.ABSURD, layout.ABSURD + 1]), st.integers(LEAST, MOST))
# One look after the other: which words of the slot are made what before it.
LOOKS = st.lists(st.dictionaries(st.integers(0, layout.SLOT_WORDS - 1), WORDS, max_size=12), max_size=6)
# Numbers that no single look betrays: each count is within its bounds, and far above or below that of the look before.
SWINGING = [dict.fromkeys(range(layout.BEGUN, layout.SLOT_WORDS), layout.ABSURD * (look % 2)) for look in range(12)]
SOCKETS = [{"name": "web", "fd": 3, "address": "127.0.0.1:80", "watchers": ["web"]}]


def are_sane(found: Any) -> bool:
    """Whether all numbers in it are finite, and none is negative."""
    if isinstance(found, dict):
        return all(map(are_sane, found.values()))
    if isinstance(found, list):
        return all(map(are_sane, found))
    return not isinstance(found, int | float) or (math.isfinite(found) and found >= 0)


def page(serving: Serving, sockets: list[dict[str, Any]]) -> str:
    registry = CollectorRegistry()
    known = KnownFigures(
        status={}, tally=Tally(), cpu_seconds={"web": 1.0}, totals={}, served=serving.served, sockets=sockets
    )
    registry.register(_Once(list(families(known, "1.2"))))
    return generate_latest(registry).decode()


# To look at all 16384 slots, of which one has a worker, takes a while: once is enough.
@given(LOOKS, st.integers(-1, 40))
@example(SWINGING, MOST)
def test_whatever_stands_there_is_told_as_figures(looks: list[dict[int, int]], used: int) -> None:
    serving, traffic = Serving(), Traffic(iter(range(1, 100)).__next__)
    with contextlib.closing(Board.create("forged")) as board, contextlib.closing(serving):
        place = board.assign(timeout_s=0, beat_s=5)
        assert place is not None
        slot = Slot(board.fd, *place)
        serving.open(f"/proc/self/fd/{board.fd}")
        for forged in [{}, *looks]:
            for word, value in forged.items():
                slot.words[word] = value
            if forged:
                os.pwrite(board.fd, used.to_bytes(8, "little", signed=True), layout.H_USED * layout.WORD_BYTES)
            serving.look({"web": [os.getpid()]})
            totals = serving.with_served("web", Totals())
            sockets = traffic.measured(SOCKETS, serving.served)
            told = {
                "totals": totals_fields(total_of_stack([totals, totals]), 0.0),
                "worker": dict(serving.details("web", os.getpid())),
                "sockets": sockets,
                "scores": board.scores(place[0]),
            }
            assert are_sane(told), told
            assert decode(encode(told)) == told
            pack_point(0, [getattr(totals, name) for name in FIELDS])
        for family in text_string_to_metric_families(page(serving, sockets)):
            assert all(are_sane(each.value) for each in family.samples), family
        board.release(*place)
