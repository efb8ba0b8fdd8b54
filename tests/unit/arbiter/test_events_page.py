"""The page of events names every event with all its keys, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from circus_stack import events
from circus_stack.events import Event

PAGE = Path(__file__).parents[3] / "docs" / "events.md"
_ROW = re.compile(r"^\| `(\w+)` \| ([^|]*)\|", re.MULTILINE)
# On each event; the page says so above the table.
_COMMON = {"watcher", "time"}


def test_the_page_names_every_event_and_its_keys() -> None:
    kinds = [each for each in vars(events).values() if isinstance(each, type) and issubclass(each, Event)]
    declared = {kind.topic: set(kind.__struct_fields__) - _COMMON for kind in kinds if kind is not Event}
    told = {topic: set(re.findall(r"`(\w+)`", keys)) for topic, keys in _ROW.findall(PAGE.read_text(encoding="utf-8"))}
    assert told == declared
