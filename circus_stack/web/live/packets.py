"""Packets of socket.io: JSON by msgspec in place of Python's own, which takes ten times as long for what a tick has to
say, and of a browser only what one of ours may send."""

from __future__ import annotations

from typing import Any

import msgspec
from socketio import packet

# What a browser says of itself; python-socketio would hand it the events `connect` and `disconnect` as well, which are
# for itself alone to tell.
HEARD = "follow"
_LEGAL = frozenset({packet.CONNECT, packet.DISCONNECT, packet.EVENT, packet.ACK})
# An event that nobody handles.
_UNREADABLE = "unreadable"
# Its name, and what it says.
_MOST_WORDS = 2


class TextPacket(packet.Packet):  # type: ignore[misc]
    """A packet without attachments, of which a client could announce any number, and send them to be kept. Whatever is
    none of ours becomes an event that nobody hears: python-socketio would write a page of log for each."""

    def decode(self, encoded_packet: Any) -> int:
        """Always 0: how many attachments follow."""
        try:
            announced = super().decode(encoded_packet)
            is_ours = not announced and self._is_ours()
        except (ValueError, TypeError, RecursionError):
            is_ours = False
        if not is_ours:
            self.packet_type, self.namespace, self.id, self.data = packet.EVENT, None, None, [_UNREADABLE]
        return 0

    def _is_ours(self) -> bool:
        if self.packet_type != packet.EVENT:
            return self.packet_type in _LEGAL
        return isinstance(self.data, list) and self.data[:1] == [HEARD] and len(self.data) <= _MOST_WORDS


def dumps(value: Any, **_options: Any) -> str:
    """As `json.dumps`, without white space."""
    return msgspec.json.encode(value).decode()


def loads(text: str | bytes, **_options: Any) -> Any:
    """As `json.loads`; raises ValueError."""
    return msgspec.json.decode(text)
