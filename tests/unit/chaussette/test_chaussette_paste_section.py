"""The keys of `[server:main] use = egg:circus-stack`, read without serving."""

from __future__ import annotations

import logging

import pytest

from chaussette.addresses import Address
from chaussette.errors import UsageError
from chaussette.paste import name_of, read_addresses, read_settings, warn_of_stack_keys
from chaussette.settings import Settings


def addresses(**keys):
    return read_addresses(keys, read_settings(keys)).addresses


def test_options_of_chaussette():
    found = read_settings({"backend": "waitress", "threads": "8", "connections": "5", "ident": "x", "monkey": "no"})
    assert found == Settings(backend="waitress", threads=8, spawn=5, server_header="x", monkey=False)


def test_every_mistake_is_told_at_once():
    with pytest.raises(UsageError) as caught:
        read_settings({"thread": "8", "threads": "x", "port": "y", "colour": "red"})
    message = str(caught.value)
    for said in ("unknown key 'thread'; did you mean 'threads'?", "threads = x", "port = y", "unknown key 'colour'"):
        assert said in message


def test_listen_stands_over_host_and_port():
    assert addresses(listen="*:80 [::1]:81", host="x", port="9") == (Address("0.0.0.0", 80), Address("::1", 81))


def test_host_list_with_port():
    assert addresses(host="127.0.0.1,127.0.0.2", port="9") == (Address("127.0.0.1", 9), Address("127.0.0.2", 9))


def test_nothing_said():
    assert addresses() == (Address("localhost", 8080),)


def test_unix_socket_and_its_bits():
    found = read_addresses({"unix_socket": "/a", "unix_socket_perms": "660"}, Settings())
    assert (found.addresses, found.unix_mode) == ((Address(path="/a"),), 0o660)


def test_one_warning_for_what_only_a_stack_can_do(caplog):
    with caplog.at_level(logging.WARNING, "chaussette"):
        warn_of_stack_keys({"workers": "4", "preload": "true", "backend": "gevent"})
        warn_of_stack_keys({"workers": "1", "preload": "false"})
    assert caplog.messages == [
        "not honoured in a single process: workers = 4, preload = true; `circus-stack serve` runs them"
    ]


def test_names_of_applications():
    class Site:
        pass

    assert name_of(test_nothing_said).endswith(":test_nothing_said")
    assert name_of(Site()).endswith("Site")
