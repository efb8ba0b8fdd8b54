"""Reading where to listen."""

from __future__ import annotations

import pytest

from chaussette.addresses import Address, parse_host_port, parse_listen, printable_path
from chaussette.errors import UsageError


@pytest.mark.parametrize(
    ("text", "address", "shown"),
    [
        ("localhost:6543", Address("localhost", 6543), "localhost:6543"),
        ("*:80", Address("0.0.0.0", 80), "0.0.0.0:80"),
        ("[::1]:8080", Address("::1", 8080), "[::1]:8080"),
        ("[::]", Address("::", 8080), "[::]:8080"),
        ("9000", Address("0.0.0.0", 9000), "0.0.0.0:9000"),
        ("example.org", Address("example.org", 8080), "example.org:8080"),
        ("unix:/run/a.sock", Address(path="/run/a.sock"), "unix:/run/a.sock"),
        ("unix:///run/a.sock", Address(path="/run/a.sock"), "unix:/run/a.sock"),
    ],
)
def test_forms(text, address, shown):
    assert parse_listen(text) == address
    assert str(address) == shown


@pytest.mark.parametrize("text", ["localhost:http", "::1:80", "unix:", "host:70000"])
def test_wrong_forms(text):
    with pytest.raises(UsageError):
        parse_listen(text)


def test_host_and_port():
    assert parse_host_port("unix:/a", 80) == Address(path="/a")
    assert parse_host_port("::1", 80, "AF_INET6") == Address("::1", 80)
    with pytest.raises(UsageError, match="AF_UNIX needs a host of the form unix:/path"):
        parse_host_port("localhost", 80, "AF_UNIX")


def test_names_of_unix_sockets():
    assert [printable_path(each) for each in ("/a", b"\0abstract", "")] == ["/a", "@abstract", "(unnamed)"]
