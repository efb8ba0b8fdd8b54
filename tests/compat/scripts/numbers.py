"""How many processes: incr and decr, and what they refuse."""

from __future__ import annotations

from tests.compat.step import Step, raw, step

NUMBERS: tuple[Step, ...] = (
    step("incr", "incr", name="web"),
    step("list after incr", "list", name="web"),
    step("incr, waiting", "incr", name="web", waiting=True),
    step("incr by three", "incr", name="web", nb=3, waiting=True),
    step("incr by nothing", "incr", name="web", nb=0, waiting=True),
    step("incr by less than nothing", "incr", name="web", nb=-1, waiting=True),
    step("list after all", "list", name="web"),
    step("decr", "decr", name="web"),
    step("decr, waiting", "decr", name="web", waiting=True),
    step("decr by two", "decr", name="web", nb=2, waiting=True),
    step("decr of a singleton", "decr", name="single"),
    step("decr of a singleton, waiting", "decr", name="single", waiting=True),
    step("list of the singleton", "list", name="single"),
    step("incr of a singleton", "incr", name="single"),
    step("incr of a singleton, waiting", "incr", name="single", waiting=True),
    step("incr of nobody", "incr", name="nobody"),
    step("incr without a name", "incr"),
    step("decr of nobody", "decr", name="nobody", waiting=True),
    step("decr without a name", "decr", waiting=True),
    step("decr below nothing", "decr", name="web", nb=50, waiting=True),
    step("list of none", "list", name="web"),
    step("status of none", "status", name="web"),
    step("incr of none", "incr", name="web", nb=2, waiting=True),
    step("list of two again", "list", name="web"),
    step("incr of a stopped one", "incr", name="idle", waiting=True),
    step("list of a stopped one after incr", "list", name="idle"),
    step("decr of a stopped one", "decr", name="idle", waiting=True),
    raw("a cast of incr", {"id": "x", "command": "incr", "msg_type": "cast", "properties": {"name": "web"}}),
    step("decr after a cast", "decr", name="web", waiting=True),
    step("list after a cast", "list", name="web"),
)
