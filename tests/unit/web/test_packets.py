"""Which packets of a browser are heard, and how much it may say."""

from __future__ import annotations

import pytest
from socketio import packet

from circus_stack.web.live import packets
from circus_stack.web.live.packets import TextPacket
from circus_stack.web.live.websocket import WITHIN_S, Meter


class Packet(TextPacket):
    json = packets


@pytest.mark.parametrize("text", ['2["follow",{"stats":true}]', '217["follow",{}]', '2["follow"]'])
def test_what_a_page_wants_is_heard(text: str) -> None:
    found = Packet(encoded_packet=text)
    assert (found.packet_type, found.data[0]) == (packet.EVENT, "follow")


@pytest.mark.parametrize("text", ["0", '0{"token":"x"}', "1", "3"])
def test_a_connection_is_begun_and_ended(text: str) -> None:
    assert Packet(encoded_packet=text).packet_type == int(text[0])


@pytest.mark.parametrize(
    "text",
    [
        # Those that python-socketio tells of itself.
        '2["connect",{"circus_stack.caller":{}}]',
        '2["disconnect"]',
        '2["follow",1,2]',
        '2{"follow":1}',
        '2[["follow"]]',
        "2[]",
        "2",
        "2[",
        '2["\ud800"]',
        "2" + "[" * 20_000,
        # With attachments that were to be kept until all have come.
        '5999999999-["follow",{"_placeholder":true,"num":0}]',
        '61-1["follow"]',
        '51-["follow"]',
        "4",
        "9",
        "x",
        b"\xff\x00",
    ],
)
def test_anything_else_is_nothing(text: str | bytes) -> None:
    found = Packet(encoded_packet=text)
    assert (found.packet_type, found.data, found.attachment_count) == (packet.EVENT, ["unreadable"], 0)


def test_who_says_too_much_is_not_heard_out() -> None:
    now = [0.0]
    meter = Meter(100, lambda: now[0])
    for _ in range(3):
        meter.take(100)
        now[0] += WITHIN_S + 1.0
    meter.take(60)
    with pytest.raises(OSError, match="too much"):
        meter.take(41)
