"""Why a request is not answered as it asks for: a status, a reason for a person, and what else the reply tells."""

from __future__ import annotations

from collections.abc import Mapping

from circus_stack.errors import CircusStackError


class RefusedError(CircusStackError):
    """`status` is HTTP's; `option` names what was wrong in the request; `headers` go with the reply."""

    def __init__(
        self, status: int, reason: str, *, option: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        self.status = status
        self.reason = reason
        self.option = option
        self.headers = dict(headers or {})
        super().__init__(reason)

    def fields(self) -> dict[str, object]:
        """As the body of a reply."""
        return {"error": {"status": self.status, "reason": self.reason, "option": self.option}}
