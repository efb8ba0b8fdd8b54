"""`/session`: logging in by a password or a link, who one is, and logging out."""

from __future__ import annotations

from msgspec import Struct

from circus_stack.protocol.roles import Role
from circus_stack.web.access import audit
from circus_stack.web.access.caller import Caller
from circus_stack.web.access.doors import Doors
from circus_stack.web.access.gatekeeper import SESSION_KEY, cookie_header
from circus_stack.web.access.refusal import RefusedError
from circus_stack.web.access.sessions import Session
from circus_stack.web.access.users import FIRST_USER
from circus_stack.web.api.route import Reply, Request, Route

_TAG = "session"


class Credentials(Struct, forbid_unknown_fields=True):
    """A password, of a user, or the word of a login link."""

    password: str | None = None
    user: str = FIRST_USER
    link: str | None = None


class Login(Struct, frozen=True, kw_only=True):
    """Who is logged in. Each change by a browser shows `csrf` in the header X-CSRF-Token; a token has none. `expires`
    is in seconds since the epoch, null for a token."""

    user: str
    role: Role
    csrf: str | None
    expires: float | None


class SessionResource:
    """The three routes."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    def routes(self) -> tuple[Route, ...]:
        """Their declarations."""
        return (
            Route(
                method="POST",
                path="/session",
                summary="Log in by a password or a login link. The reply sets the session's cookie.",
                handler=self._begin,
                role=None,
                body=Credentials,
                reply=Login,
                tag=_TAG,
                statuses={401: "the password or link is wrong", 429: "too many logins have failed"},
            ),
            Route(
                method="GET", path="/session", summary="Who is logged in.", handler=self._show, reply=Login, tag=_TAG
            ),
            Route(
                method="DELETE",
                path="/session",
                summary="Log out.",
                handler=self._end,
                status=204,
                tag=_TAG,
            ),
        )

    def _begin(self, request: Request) -> Reply:
        given: Credentials = request.body
        if (given.password is None) == (given.link is None):
            raise RefusedError(400, "a password or a link is needed, and not both", option="password")
        user = given.user if given.link is None else FIRST_USER
        audit.tell(request.environ, f"login of {user}")
        role = self._role_by_password(given, request.address) if given.link is None else self._role_by_link(given.link)
        audit.tell(request.environ, f"login of {user} as {role}")
        sessions = self._doors.sessions
        cookie, session = sessions.begin(user, role)
        header = cookie_header(sessions.cookie_name, cookie, request.environ)
        return Reply(fields=_login(session), headers={"Set-Cookie": header})

    def _role_by_password(self, given: Credentials, address: str) -> Role:
        attempts = self._doors.attempts
        attempts.check(address)
        role = self._doors.users.verify(given.user, given.password or "")
        if role is None:
            attempts.failed(address)
            raise RefusedError(401, "this password is wrong", option="password")
        attempts.succeeded(address)
        return role

    def _role_by_link(self, link: str) -> Role:
        # Not counted: nobody guesses 256 bits, and who guesses passwords must not lock out those who have a link.
        role = self._doors.links.take(link)
        if role is None:
            raise RefusedError(401, "this link was used already, or is too old", option="link")
        return role

    def _show(self, request: Request) -> Reply:
        session: Session | None = request.environ.get(SESSION_KEY)
        if session is not None:
            return Reply(fields=_login(session))
        caller = _known(request)
        return Reply(fields=Login(user=caller.name, role=caller.role, csrf=None, expires=None))

    def _end(self, request: Request) -> Reply:
        caller = _known(request)
        sessions = self._doors.sessions
        if not caller.is_program:
            sessions.end(caller)
        header = cookie_header(sessions.cookie_name, "", request.environ, lifetime_s=0)
        return Reply(status=204, headers={"Set-Cookie": header})


def _known(request: Request) -> Caller:
    if request.caller is None:
        raise RefusedError(401, "log in first")
    return request.caller


def _login(session: Session) -> Login:
    return Login(user=session.user, role=session.role, csrf=session.csrf, expires=session.expires)
