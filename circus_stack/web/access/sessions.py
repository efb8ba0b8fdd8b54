"""Sessions of browsers: a signed cookie holds a key, a file of the state directory what it stands for.

A session ends with an idle day, a week after its login, at a logout, or as the oldest of too many. Its key is another
one every hour: the one before is good for a minute more, for requests that were on their way.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from itsdangerous import BadSignature, Signer
from msgspec import Struct, structs

from circus_stack.protocol.roles import Role
from circus_stack.web.access.caller import Caller
from circus_stack.web.access.private_file import PrivateFile
from circus_stack.web.access.secrets import digest, is_same, new_secret

_COOKIE = "circus_session"
# Enough to tell the consoles of one host from each other.
_COOKIE_DIGITS = 10
IDLE_S = 86_400.0
LIFETIME_S = 7 * 86_400.0
ROTATION_S = 3600.0
_OVERLAP_S = 60.0
# How exactly it is known when a session was used last: to write the file with each request would be dear.
_TOUCH_S = 300.0
MOST_SESSIONS = 100
_MOST_OF_USER = 20


class Session(Struct, frozen=True, kw_only=True):
    """Times are seconds since the epoch. `replaced` is when its key was; `csrf` is the word that changes must show."""

    user: str
    role: Role
    csrf: str
    created: float
    rotated: float
    used: float
    replaced: float | None = None

    @property
    def expires(self) -> float:
        """When it ends, unless it is used before."""
        if self.replaced is not None:
            return self.replaced + _OVERLAP_S
        return min(self.used + IDLE_S, self.created + LIFETIME_S)


class Sessions:
    """The file `sessions.json` of a directory, by the digests of the keys. `epoch` tells the time, in seconds."""

    def __init__(self, directory: Path, signing_key: str, epoch: Callable[[], float]) -> None:
        # Cookies know no ports: each console of a host has a name of its own, or a login to one would end another's.
        self.cookie_name = f"{_COOKIE}_{digest(str(directory.absolute()))[:_COOKIE_DIGITS]}"
        self._file = PrivateFile(directory / "sessions.json", Session)
        self._signer = Signer(signing_key, salt="circus-stack.session")
        self._epoch = epoch

    def begin(self, user: str, role: Role) -> tuple[str, Session]:
        """A new session, and the cookie of its browser."""
        now, key = self._epoch(), new_secret()
        session = Session(user=user, role=role, csrf=new_secret(), created=now, rotated=now, used=now)

        def put(found: dict[str, Session]) -> None:
            self._drop_expired(found)
            _make_room(found, user)
            found[digest(key)] = session

        self._file.change(put)
        return self._cookie(key), session

    def find(self, cookie: str) -> tuple[Caller, Session] | None:
        """Whose session a cookie is; None for a forged one, and for one that has ended."""
        key = self._key(cookie)
        session = None if key is None else self._file.read().get(key)
        now = self._epoch()
        if key is None or session is None or session.expires <= now:
            return None
        if session.replaced is None and now - session.used > _TOUCH_S:
            session = self._touch(key, session, now)
        return Caller(name=session.user, role=session.role, session=key), session

    def renewed(self, caller: Caller) -> str | None:
        """Another cookie for a session whose key is due to change, None while it is not."""
        now, fresh = self._epoch(), new_secret()

        def rotate(found: dict[str, Session]) -> bool:
            session = found.get(caller.session)
            if session is None or session.replaced is not None or now - session.rotated < ROTATION_S:
                return False
            found[caller.session] = structs.replace(session, replaced=now)
            found[digest(fresh)] = structs.replace(session, rotated=now, used=now)
            self._drop_expired(found)
            return True

        known = self._file.read().get(caller.session)
        if known is None or known.replaced is not None or now - known.rotated < ROTATION_S:
            return None
        is_rotated: bool = self._file.change(rotate)
        return self._cookie(fresh) if is_rotated else None

    def end(self, caller: Caller) -> None:
        """Log out: all keys of that login."""

        def drop(found: dict[str, Session]) -> None:
            ended = found.get(caller.session)
            for key in [key for key, each in found.items() if ended is not None and each.csrf == ended.csrf]:
                del found[key]

        self._file.change(drop)

    def end_all_of(self, user: str) -> None:
        """Whose password is another now must log in again."""

        def drop(found: dict[str, Session]) -> None:
            for key in [key for key, each in found.items() if each.user == user]:
                del found[key]

        self._file.change(drop)

    def is_alive(self, login: str) -> bool:
        """Whether the login goes on to which the word `csrf` belongs; its key may be another by now."""
        now = self._epoch()
        return any(is_same(login, each.csrf) and each.expires > now for each in self._file.read().values())

    def _touch(self, key: str, session: Session, now: float) -> Session:
        def touch(found: dict[str, Session]) -> Session:
            if key in found:
                found[key] = structs.replace(found[key], used=now)
            return structs.replace(session, used=now)

        return self._file.change(touch)

    def _drop_expired(self, found: dict[str, Session]) -> None:
        now = self._epoch()
        for key in [key for key, each in found.items() if each.expires <= now]:
            del found[key]

    def _cookie(self, key: str) -> str:
        return self._signer.sign(key).decode()

    def _key(self, cookie: str) -> str | None:
        try:
            return digest(self._signer.unsign(cookie).decode())
        except (BadSignature, UnicodeError):
            return None


def _make_room(found: dict[str, Session], user: str) -> None:
    """The sessions that were not used for the longest time go, of that user first."""
    own = [key for key, each in found.items() if each.user == user]
    for keys, most in ((own, _MOST_OF_USER), (list(found), MOST_SESSIONS)):
        keys.sort(key=lambda key: found[key].used if key in found else 0.0)
        for key in keys[: max(0, len(keys) - most + 1)]:
            found.pop(key, None)


def is_csrf_right(session: Session, given: str) -> bool:
    """Whether a change shows the word of its session, which no other site can read."""
    return is_same(given, session.csrf)
