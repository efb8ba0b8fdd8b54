"""What the handlers of all resources share when they ask the stack for somebody."""

from __future__ import annotations

from circus_stack.protocol.roles import Role
from circus_stack.web.access.caller import Caller
from circus_stack.web.access.refusal import RefusedError
from circus_stack.web.api.route import Request


def caller_of(request: Request) -> Caller:
    """Who asks. Raises RefusedError, 401, where nobody is known."""
    if request.caller is None:
        raise RefusedError(401, "log in first")
    return request.caller


def role_of(request: Request) -> Role:
    """As whom the stack is asked: it judges the command once more, and leaves out what that role may not see."""
    return caller_of(request).role
