"""Passwords, links, tokens, limits of attempts, names and origins: each by itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from circus_stack.errors import CircusStackError
from circus_stack.protocol.roles import Role
from circus_stack.web.access.attempts import MOST_IN_SUM, MOST_OF_ADDRESS, WINDOW_S, Attempts, source_of
from circus_stack.web.access.login_links import LIFETIME_S, LoginLinks, link_address
from circus_stack.web.access.origin import check_host, check_origin, is_loopback_host
from circus_stack.web.access.refusal import RefusedError
from circus_stack.web.access.tokens import Tokens
from circus_stack.web.access.users import Users


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_password_is_kept_as_a_hash_and_gives_its_role(tmp_path: Path) -> None:
    users = Users(tmp_path)
    users.set_password("ann", "correct horse", Role.OPERATE)
    assert users.verify("ann", "correct horse") is Role.OPERATE
    assert users.verify("ann", "correct house") is None
    assert users.verify("bob", "correct horse") is None
    text = (tmp_path / "users.json").read_text()
    assert "correct horse" not in text
    assert json.loads(text)["ann"]["hash"].startswith("$argon2id$")
    assert (tmp_path / "users.json").stat().st_mode & 0o777 == 0o600
    assert users.names() == {"ann": Role.OPERATE}
    assert users.remove("ann")
    assert not users.remove("ann")
    assert users.verify("ann", "correct horse") is None


@pytest.mark.parametrize(
    ("name", "password"), [("ann", "short"), ("ann", "x" * 1025), ("", "x" * 12), ("a\nb", "x" * 12)]
)
def test_what_is_no_password_or_name_is_refused(tmp_path: Path, name: str, password: str) -> None:
    with pytest.raises(ValueError, match=r"characters"):
        Users(tmp_path).set_password(name, password, Role.VIEW)
    assert not (tmp_path / "users.json").exists()


def test_a_file_that_others_may_write_is_not_believed(tmp_path: Path) -> None:
    users = Users(tmp_path)
    users.set_password("ann", "correct horse", Role.ADMIN)
    (tmp_path / "users.json").chmod(0o666)
    with pytest.raises(CircusStackError, match="can be written by others"):
        Users(tmp_path).names()


def test_a_broken_file_is_told_and_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    path.write_text('{"ci": 5}')
    path.chmod(0o600)
    with pytest.raises(CircusStackError, match="is not what the console has written"):
        Tokens(tmp_path, Clock()).add("deploy", Role.VIEW)
    assert path.read_text() == '{"ci": 5}'


def test_a_link_works_once_and_not_for_long(tmp_path: Path) -> None:
    clock = Clock()
    links = LoginLinks(tmp_path, clock)
    first, second = links.make(Role.ADMIN), links.make(Role.VIEW)
    assert first not in (tmp_path / "login-links.json").read_text()
    assert links.take("nonsense") is None
    assert links.take(first) is Role.ADMIN
    assert links.take(first) is None
    clock.now += LIFETIME_S
    assert links.take(second) is None


def test_the_oldest_links_go(tmp_path: Path) -> None:
    clock = Clock()
    links = LoginLinks(tmp_path, clock)
    words = []
    for _ in range(21):
        words.append(links.make(Role.VIEW))
        clock.now += 1
    assert [links.take(each) is None for each in words[:2]] == [True, False]


def test_the_word_of_a_link_is_never_sent_to_a_server() -> None:
    assert link_address("http://127.0.0.1:8080/", "abc") == "http://127.0.0.1:8080/#/login?link=abc"


def test_a_token_is_shown_once(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path, Clock())
    word = tokens.add("ci", Role.OPERATE)
    assert word not in (tmp_path / "tokens.json").read_text()
    caller = tokens.caller(word)
    assert caller is not None
    assert (caller.name, caller.role, caller.is_program) == ("ci", Role.OPERATE, True)
    assert tokens.caller(word + "x") is None
    assert tokens.caller("") is None
    with pytest.raises(ValueError, match="there is a token 'ci' already"):
        tokens.add("ci", Role.ADMIN)
    assert tokens.remove("ci")
    assert tokens.caller(word) is None


def test_attempts_of_one_address_are_limited_for_a_while() -> None:
    clock = Clock()
    attempts = Attempts(clock)
    for _ in range(MOST_OF_ADDRESS):
        attempts.check("10.0.0.1")
        attempts.failed("10.0.0.1")
    with pytest.raises(RefusedError) as caught:
        attempts.check("10.0.0.1")
    assert caught.value.status == 429
    assert int(caught.value.headers["Retry-After"]) <= WINDOW_S
    attempts.check("10.0.0.2")
    clock.now += WINDOW_S
    attempts.check("10.0.0.1")


def test_attempts_of_many_addresses_are_limited_in_sum() -> None:
    attempts = Attempts(Clock())
    for number in range(MOST_IN_SUM):
        attempts.failed(f"10.0.{number // 256}.{number % 256}")
    with pytest.raises(RefusedError):
        attempts.check("192.0.2.1")


def test_who_gets_in_begins_anew() -> None:
    attempts = Attempts(Clock())
    for _ in range(MOST_OF_ADDRESS):
        attempts.failed("10.0.0.1")
    attempts.succeeded("10.0.0.1")
    attempts.check("10.0.0.1")


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("", "unknown"),
    ],
)
def test_a_network_of_ipv6_is_one_source(address: str, source: str) -> None:
    assert source_of(address) == source


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8080", "localhost", "LOCALHOST:1", "[::1]:8080", "10.1.2.3", "Console.example:8080"]
)
def test_names_of_this_console(host: str) -> None:
    check_host({"HTTP_HOST": host}, {"console.example"})


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "", "[::1", "console.example.evil:80", "a b"]
)
def test_other_names_are_refused(host: str) -> None:
    with pytest.raises(RefusedError) as caught:
        check_host({"HTTP_HOST": host}, {"console.example"})
    assert caught.value.status == 421


_HERE = {"HTTP_HOST": "127.0.0.1:8080", "wsgi.url_scheme": "http"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"HTTP_ORIGIN": "http://127.0.0.1:8080"},
        {"HTTP_SEC_FETCH_SITE": "same-origin"},
        {"HTTP_SEC_FETCH_SITE": "none"},
    ],
)
def test_our_own_pages_may(headers: dict[str, str]) -> None:
    check_origin({**_HERE, **headers})


@pytest.mark.parametrize(
    "headers",
    [
        {"HTTP_ORIGIN": "http://evil.example"},
        {"HTTP_ORIGIN": "null"},
        {"HTTP_ORIGIN": "https://127.0.0.1:8080"},
        {"HTTP_ORIGIN": "http://127.0.0.1:8081"},
        {"HTTP_SEC_FETCH_SITE": "cross-site"},
        {"HTTP_SEC_FETCH_SITE": "same-site", "HTTP_ORIGIN": "http://127.0.0.1:8080"},
    ],
)
def test_pages_of_other_sites_may_not(headers: dict[str, str]) -> None:
    with pytest.raises(RefusedError) as caught:
        check_origin({**_HERE, **headers})
    assert caught.value.status == 403


@pytest.mark.parametrize(
    ("host", "is_loopback"), [("127.0.0.2", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("x", False)]
)
def test_what_only_this_machine_reaches(host: str, is_loopback: bool) -> None:
    assert is_loopback_host(host) is is_loopback
