"""Sessions: what a cookie stands for, when it ends, and how its key changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from circus_stack.protocol.roles import Role
from circus_stack.web.access import sessions
from circus_stack.web.access.sessions import Sessions


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def made(tmp_path: Path, clock: Clock) -> Sessions:
    return Sessions(tmp_path, "key", clock)


def test_a_cookie_leads_to_its_session(made: Sessions) -> None:
    cookie, session = made.begin("ann", Role.VIEW)
    found = made.find(cookie)
    assert found is not None
    caller, same = found
    assert (caller.name, caller.role, same.csrf) == ("ann", Role.VIEW, session.csrf)
    assert not caller.is_program


def test_two_consoles_of_a_host_have_cookies_of_their_own(tmp_path: Path, made: Sessions, clock: Clock) -> None:
    other = Sessions(tmp_path / "other", "key", clock)
    assert other.cookie_name != made.cookie_name
    assert Sessions(tmp_path, "key", clock).cookie_name == made.cookie_name


def test_another_process_on_the_same_directory_knows_it(tmp_path: Path, made: Sessions, clock: Clock) -> None:
    cookie, _ = made.begin("ann", Role.VIEW)
    assert Sessions(tmp_path, "key", clock).find(cookie) is not None
    assert Sessions(tmp_path, "another key", clock).find(cookie) is None


def _other_letter(text: str) -> str:
    return "B" if text.startswith("A") else "A"


@pytest.mark.parametrize(
    "change", [lambda text: text[:-1], lambda text: _other_letter(text) + text[1:], lambda _: "", lambda _: "é.x"]
)
def test_a_forged_cookie_is_nobodys(made: Sessions, change) -> None:  # type: ignore[no-untyped-def]
    cookie, _ = made.begin("ann", Role.VIEW)
    assert made.find(change(cookie)) is None


def test_the_file_holds_no_cookie(tmp_path: Path, made: Sessions) -> None:
    cookie, _ = made.begin("ann", Role.VIEW)
    assert cookie.partition(".")[0] not in (tmp_path / "sessions.json").read_text()


def test_it_ends_after_an_idle_day_and_goes_on_while_it_is_used(made: Sessions, clock: Clock) -> None:
    cookie, _ = made.begin("ann", Role.VIEW)
    for _ in range(3):
        clock.now += sessions.IDLE_S - 1
        assert made.find(cookie) is not None
    clock.now += sessions.IDLE_S + 1
    assert made.find(cookie) is None


def test_it_ends_after_a_week_however_it_is_used(made: Sessions, clock: Clock) -> None:
    cookie, session = made.begin("ann", Role.VIEW)
    while clock.now + 3600 < session.created + sessions.LIFETIME_S:
        clock.now += 3600
        assert made.find(cookie) is not None
    clock.now += 3601
    assert made.find(cookie) is None


def test_the_key_changes_every_hour_and_the_old_one_is_good_a_little_longer(made: Sessions, clock: Clock) -> None:
    cookie, session = made.begin("ann", Role.VIEW)
    found = made.find(cookie)
    assert found is not None
    assert made.renewed(found[0]) is None
    clock.now += sessions.ROTATION_S
    fresh = made.renewed(found[0])
    assert fresh is not None
    assert fresh != cookie
    assert made.renewed(found[0]) is None
    for each in (cookie, fresh):
        again = made.find(each)
        assert again is not None
        assert again[1].csrf == session.csrf
    clock.now += 61
    assert made.find(cookie) is None
    assert made.find(fresh) is not None
    assert made.is_alive(session.csrf)


def test_logout_ends_every_key_of_a_login(made: Sessions, clock: Clock) -> None:
    cookie, session = made.begin("ann", Role.VIEW)
    other, _ = made.begin("ann", Role.VIEW)
    clock.now += sessions.ROTATION_S
    found = made.find(cookie)
    assert found is not None
    fresh = made.renewed(found[0])
    assert fresh is not None
    made.end(found[0])
    assert (made.find(cookie), made.find(fresh)) == (None, None)
    assert not made.is_alive(session.csrf)
    assert made.find(other) is not None
    made.end_all_of("ann")
    assert made.find(other) is None


def test_the_longest_unused_goes_where_there_are_too_many(made: Sessions, clock: Clock) -> None:
    cookies = []
    for _ in range(21):
        cookies.append(made.begin("ann", Role.VIEW)[0])
        clock.now += 1
    assert made.find(cookies[0]) is None
    assert all(made.find(each) is not None for each in cookies[1:])


def test_the_number_of_sessions_is_bounded(tmp_path: Path, made: Sessions) -> None:
    for number in range(sessions.MOST_SESSIONS + 5):
        made.begin(f"user{number}", Role.VIEW)
    assert (tmp_path / "sessions.json").read_text().count('"csrf"') == sessions.MOST_SESSIONS
