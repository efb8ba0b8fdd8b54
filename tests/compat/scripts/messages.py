"""Messages that are none, or odd: what is not JSON, not an object, of an unknown command, a cast."""

from __future__ import annotations

from tests.compat.step import Step, raw, step

MESSAGES: tuple[Step, ...] = (
    raw("no JSON", b"hello"),
    raw("half an object", b'{"command": "list"'),
    raw("bytes that are no text", b"\xff\xfe"),
    raw("no properties", {"id": "x", "command": "list"}),
    raw("no id", {"command": "list", "properties": {}}),
    raw("a number for an id", {"id": 17, "command": "list", "properties": {}}),
    raw("an unknown field", {"id": "x", "command": "list", "properties": {}, "surplus": [1]}),
    raw("blanks around", b'  {"id": "x", "command": "list", "properties": {}}\n'),
    raw("an odd kind of message", {"id": "x", "command": "list", "msg_type": "dealer", "properties": {}}),
    step("unknown command", "nothing"),
    step("unknown command with properties", "nothing", name="web"),
    raw("a cast", {"id": "x", "command": "list", "msg_type": "cast", "properties": {}}),
    raw("a cast that fails", {"id": "x", "command": "options", "msg_type": "cast", "properties": {}}),
    raw("a cast of an unknown command", {"id": "x", "command": "nothing", "msg_type": "cast"}),
    step("after the casts", "numwatchers"),
)

# They mostly make the released daemon deaf: its handler raises, and hears of the socket no more. Ours alone is asked.
DEAFENING: tuple[Step, ...] = (
    raw("blanks", b"   "),
    raw("a list", ["list"]),
    raw("a number", 7),
    raw("an empty object", {}),
    raw("no command", {"id": "x", "properties": {}}),
    raw("a command that is no text", {"id": "x", "command": 3, "properties": {}}),
)
