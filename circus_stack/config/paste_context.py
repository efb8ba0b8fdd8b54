"""What a section of a Paste file stands for, before anything of it is imported. Data only."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from paste.deploy import loadwsgi

from circus_stack.config.document import Section
from circus_stack.config.values import Location


class Reference(Struct, frozen=True):
    """What would be loaded: `egg`, distribution and entry point; or `call`, module and callable."""

    scheme: str = ""
    target: str = ""
    name: str = ""

    def __str__(self) -> str:
        return f"{self.scheme}:{self.target}" + (f"#{self.name}" if self.scheme == "egg" and self.name else "")


class LazyContext(loadwsgi.LoaderContext):  # type: ignore[misc]
    """A PasteDeploy context whose object is a `Reference`; `where` tells the line of each of its options."""

    def __init__(self, reference: Reference, object_type: Any, protocol: str | None, conf: Any, local: Any, of: Any):
        super().__init__(reference, object_type, protocol, conf or {}, local, of)
        self.where: dict[str, Location] = {}
        self.section: Section | None = None
        self.reference = reference
