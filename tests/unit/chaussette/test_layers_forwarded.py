"""Forwarded and X-Forwarded-*: who is believed, and what hostile values come to."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaussette.layers.forwarded import node_of, parse_forwarded
from chaussette.layers.networks import Networks
from chaussette.layers.proxies import behind_proxies
from chaussette.layers.proxy_headers import HEADERS, USUAL

TRUSTED = ("10.0.0.0/8", "2001:db8::/32", "unix")
X_ALL = tuple(name for name in HEADERS if name != "forwarded")
TOKENS = st.text("abcdefghijklmnopqrstuvwxyzABC0123456789!#$%&'*+.^_`|~-", min_size=1, max_size=8)


def seen(peer: str, headers: tuple[str, ...] = X_ALL, trusted: tuple[str, ...] = TRUSTED, **sent: Any) -> Any:
    """The environ as the application gets it."""
    environ: dict[str, Any] = {
        "REMOTE_ADDR": peer,
        "REMOTE_PORT": "999",
        "SERVER_NAME": "inner",
        "SERVER_PORT": "8000",
        "HTTP_HOST": "inner:8000",
        "SCRIPT_NAME": "",
        "wsgi.url_scheme": "http",
        **{f"HTTP_{name}": value for name, value in sent.items()},
    }

    def app(_environ: Any, _start_response: Any) -> list[bytes]:
        return []

    behind_proxies(app, Networks(trusted), headers)(environ, lambda *_: print)
    return environ


def test_nobody_else_is_believed() -> None:
    found = seen("192.0.2.1", X_FORWARDED_FOR="198.51.100.7", X_FORWARDED_PROTO="https", FORWARDED="for=1.2.3.4")
    assert (found["REMOTE_ADDR"], found["REMOTE_PORT"], found["wsgi.url_scheme"]) == ("192.0.2.1", "999", "http")
    assert not [key for key in found if "FORWARDED" in key]


def test_a_trusted_proxy_is_believed() -> None:
    found = seen(
        "10.1.2.3",
        X_FORWARDED_FOR="198.51.100.7",
        X_FORWARDED_PROTO="https",
        X_FORWARDED_HOST="shop.example",
        X_FORWARDED_PREFIX="/shop/",
    )
    assert (found["REMOTE_ADDR"], found["wsgi.url_scheme"]) == ("198.51.100.7", "https")
    assert (found["HTTP_HOST"], found["SERVER_NAME"], found["SERVER_PORT"]) == ("shop.example", "shop.example", "443")
    assert found["SCRIPT_NAME"] == "/shop"
    assert "REMOTE_PORT" not in found


def test_the_walk_ends_at_the_first_that_is_not_trusted() -> None:
    found = seen("10.1.2.3", X_FORWARDED_FOR="1.1.1.1, 198.51.100.7, 10.9.9.9", X_FORWARDED_PROTO="http, https, http")
    # 10.9.9.9 has been told of 198.51.100.7, and of https; the rest is what that one says.
    assert (found["REMOTE_ADDR"], found["wsgi.url_scheme"]) == ("198.51.100.7", "https")


@pytest.mark.parametrize("entry", ["", "evil", "1.2.3", "1.2.3.4:99999999", "<script>", "10.0.0.1\x00", "::1%eth0 x"])
def test_an_address_that_is_none_ends_the_walk(entry: str) -> None:
    assert seen("10.1.2.3", X_FORWARDED_FOR=f"198.51.100.7, {entry}")["REMOTE_ADDR"] == "10.1.2.3"


@pytest.mark.parametrize(
    ("entry", "address", "port"),
    [("198.51.100.7:4711", "198.51.100.7", "4711"), ("[2001:db9::1]:80", "2001:db9::1", "80"), ("::1", "::1", None)],
)
def test_ports_of_clients(entry: str, address: str, port: str | None) -> None:
    found = seen("10.1.2.3", X_FORWARDED_FOR=entry)
    assert (found["REMOTE_ADDR"], found.get("REMOTE_PORT")) == (address, port)


@pytest.mark.parametrize("host", ["a b", "evil/path", "user@evil", "evil:99999", "evil:0x", "a,b,c d", "é"])
def test_a_host_that_is_none_is_left_aside(host: str) -> None:
    assert seen("10.1.2.3", X_FORWARDED_HOST=host)["HTTP_HOST"] == "inner:8000"


@pytest.mark.parametrize("prefix", ["shop", "//evil.example", "/a/../b", "/./a", "/a?b", "/a b", "/%2e%2e"])
def test_a_prefix_that_leads_elsewhere_is_left_aside(prefix: str) -> None:
    assert seen("10.1.2.3", X_FORWARDED_PREFIX=prefix)["SCRIPT_NAME"] == ""


def test_a_port_alone_is_put_to_the_host() -> None:
    found = seen("10.1.2.3", X_FORWARDED_PORT="8443", X_FORWARDED_PROTO="https")
    assert (found["HTTP_HOST"], found["SERVER_PORT"]) == ("inner:8443", "8443")


def test_what_is_not_listed_is_removed() -> None:
    found = seen("10.1.2.3", USUAL, X_FORWARDED_PREFIX="/evil", X_FORWARDED_HOST="evil", FORWARDED="for=1.1.1.1")
    assert (found["SCRIPT_NAME"], found["HTTP_HOST"]) == ("", "inner:8000")
    assert not [key for key in found if key.endswith(("PREFIX", "_HOST")) and "FORWARDED" in key]


def test_peers_of_unix_sockets_and_everybody() -> None:
    assert seen("", X_FORWARDED_FOR="198.51.100.7")["REMOTE_ADDR"] == "198.51.100.7"
    assert seen("", trusted=("10.0.0.1",), X_FORWARDED_FOR="198.51.100.7")["REMOTE_ADDR"] == ""
    # Whoever trusts everybody gets what the client says at the very left.
    assert seen("192.0.2.1", trusted=("*",), X_FORWARDED_FOR="1.1.1.1, 2.2.2.2")["REMOTE_ADDR"] == "1.1.1.1"
    assert seen("::ffff:10.0.0.1", X_FORWARDED_FOR="198.51.100.7")["REMOTE_ADDR"] == "198.51.100.7"


def test_forwarded_is_walked_from_the_right() -> None:
    text = 'for=1.1.1.1;proto=http, for=198.51.100.7;proto=https;host="shop.example:8443", for="[2001:db8::5]:1234"'
    found = seen("10.1.2.3", ("forwarded",), FORWARDED=text)
    assert (found["REMOTE_ADDR"], found["wsgi.url_scheme"]) == ("198.51.100.7", "https")
    assert (found["HTTP_HOST"], found["SERVER_PORT"]) == ("shop.example:8443", "8443")


@pytest.mark.parametrize("node", ["unknown", "_hidden", '"_a:_b"'])
def test_a_client_that_is_not_named_leaves_the_last_one_that_is(node: str) -> None:
    found = seen("10.1.2.3", ("forwarded",), FORWARDED=f"for=1.1.1.1, for={node};proto=https, for=10.5.5.5")
    assert (found["REMOTE_ADDR"], found["wsgi.url_scheme"]) == ("10.5.5.5", "https")


@pytest.mark.parametrize(
    "text",
    ["for", "for=", "for=1.1.1.1;", "for=1.1.1.1;;proto=http", "for=a b", 'for="a', "for=[::1]", "for=1;for=2", "=x",
     "for=1.1.1.1; proto=http", "for=\"a\nb\"", "f\u00f6r=1", ","],
)  # fmt: skip
def test_what_is_not_the_grammar_is_no_header(text: str) -> None:
    assert parse_forwarded(text) is None
    assert seen("10.1.2.3", ("forwarded",), FORWARDED=text)["REMOTE_ADDR"] == "10.1.2.3"


@pytest.mark.parametrize(
    ("value", "node"),
    [("1.2.3.4", ("1.2.3.4", "")), ("[::1]:80", ("::1", "80")), ("1.2.3.4:_x", ("1.2.3.4", "")), ("unknown", None),
     ("::1", None), ("1.2.3.4:", None)],
)  # fmt: skip
def test_nodes(value: str, node: tuple[str, str] | None) -> None:
    assert node_of(value) == node


@given(st.lists(st.dictionaries(TOKENS.map(str.lower), st.text(max_size=8), min_size=1, max_size=3), min_size=1))
def test_what_was_written_is_read(elements: list[dict[str, str]]) -> None:
    legal = [
        {name: "".join(each for each in value if " " <= each <= "~") for name, value in each.items()}
        for each in elements[:8]
    ]

    def quoted(value: str) -> str:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

    text = " , ".join(";".join(f"{name}={quoted(value)}" for name, value in each.items()) for each in legal)
    assert parse_forwarded(text) == tuple(legal)


@given(st.text(alphabet=st.characters(max_codepoint=255), max_size=60))
def test_nothing_that_a_client_sends_raises(text: str) -> None:
    headers = {f"X_FORWARDED_{name}": text for name in ("FOR", "PROTO", "HOST", "PORT", "PREFIX")}
    found = seen("10.1.2.3", **headers)
    assert found["wsgi.url_scheme"] in ("http", "https")
    assert not set("\r\n <>\"'\\") & set(found["HTTP_HOST"] + found["REMOTE_ADDR"])
    seen("10.1.2.3", ("forwarded",), FORWARDED=text)


def test_a_network_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'10.0.0.1/8' is no address"):
        Networks(["10.0.0.1/8"])
