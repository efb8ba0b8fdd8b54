"""The message of each process as bytes, kept while nothing in it but the time changes: most of a thousand are idle."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from msgspec import Struct

from circus_stack.protocol.codec import encode
from circus_stack.stats.collect.particulars import Particulars
from circus_stack.stats.collect.sampler import Sample
from circus_stack.stats.wire import Fields, process_fields

# No text can look like this: its quotation marks would be escaped.
_AGE, _TIME = b'"age":', b'"time":'


class Content(Struct):
    """What the message of a process is made of. `slow` and `served` are from `collect.slow` and `serving`."""

    sample: Sample
    who: Particulars
    name: str | None
    slow: Mapping[str, Any]
    served: Mapping[str, Any]

    def fields(self, now: float, total_memory: int) -> Fields:
        """The same as it is published."""
        details = {**self.slow, **self.served}
        return process_fields(
            self.sample, self.who, now=now, total_memory=total_memory, name=self.name, details=details
        )

    def is_same(self, other: Content) -> bool:
        """Whether both are made of the same objects; those of an idle process are not made anew."""
        return (
            self.sample is other.sample
            and self.who is other.who
            and self.slow is other.slow
            and self.served is other.served
        )


class _Known(Struct):
    """The content of the message before. `parts` is it without `age` and `time`, once it has come twice."""

    content: Content
    parts: tuple[bytes, bytes, bytes] | None = None


class Messages:
    """Makes them. `total_memory` is the machine's, in bytes."""

    def __init__(self, total_memory: int) -> None:
        self._total_memory = total_memory
        self._known: dict[int, _Known] = {}
        self._now, self._now_text = 0.0, b"0.0"

    def make(self, pid: int, content: Content, now: float) -> bytes:
        """The message of a process at `now`, seconds since the epoch."""
        known = self._known.get(pid)
        # The CPU of a first sample is an average over the age, and so changes with it.
        if known is None or content.sample.cpu is None or not known.content.is_same(content):
            self._known[pid] = _Known(content)
            return encode(content.fields(now, self._total_memory))
        if known.parts is None:
            known.parts = _parts(encode(content.fields(now, self._total_memory)))
        head, middle, tail = known.parts
        if now != self._now:
            # The same for a thousand.
            self._now, self._now_text = now, repr(now).encode()
        age = repr(max(0.0, now - content.who.created)).encode()
        return b"".join((head, age, middle, self._now_text, tail))

    def keep(self, pids: AbstractSet[int]) -> None:
        """Forget all others."""
        for pid in self._known.keys() - pids:
            del self._known[pid]


def _parts(message: bytes) -> tuple[bytes, bytes, bytes]:
    """What stands before, between and after the numbers of `age` and `time`."""
    age = message.index(_AGE) + len(_AGE)
    after_age = message.index(b",", age)
    time = message.index(_TIME, after_age) + len(_TIME)
    after_time = min(at for at in (message.find(b",", time), len(message) - 1) if at >= 0)
    return message[:age], message[after_age:time], message[after_time:]
