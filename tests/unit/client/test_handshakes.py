"""What a client says of an arbiter that does not let it in."""

from __future__ import annotations

import struct

import pytest
import zmq

from circus_stack.client.handshake import Handshake
from circus_stack.errors import CallError


def frames(event: int, value: int = 0) -> list[bytes]:
    return [struct.pack("=Hi", event, value), b"ipc:///x"]


def test_who_is_cut_without_a_word_hears_of_both_reasons() -> None:
    handshake = Handshake("ipc:///x", None)
    cut = frames(zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL)
    for _ in range(3):
        handshake.judge(cut)
    with pytest.raises(
        CallError, match=r"lets in only who has a key.* or it is out of descriptors, which its log tells"
    ):
        handshake.judge(cut)


def test_who_is_told_that_keys_are_wanted_hears_of_keys_alone() -> None:
    mismatch = frames(zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL, zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH)
    with pytest.raises(CallError) as refused:
        Handshake("ipc:///x", None).judge(mismatch)
    assert "lets in only who has a key" in str(refused.value)
    assert "descriptors" not in str(refused.value)
