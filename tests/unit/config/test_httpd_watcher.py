"""The console's watcher and socket, as `[circus]` wants them."""

from __future__ import annotations

import shlex
from pathlib import Path, PurePath

import pytest

from circus_stack.config.httpd_watcher import httpd_socket, httpd_watcher
from circus_stack.config.schema import CircusConfig
from circus_stack.config.values import Location, ReloadMode
from tests.unit.config.stacks import paste

_WATCHER = "[watcher:job]\ncmd = sleep 1\n"


def test_a_port_that_nobody_names_is_the_first_of_many(tmp_path: Path) -> None:
    socket = httpd_socket(paste(tmp_path, _WATCHER).circus)
    assert (socket.name, socket.host, socket.port) == ("circushttpd", "localhost", 8080)
    assert socket.spare_ports >= 10


@pytest.mark.parametrize("port", [0, 8080, 9000])
def test_a_port_that_is_named_is_no_other(tmp_path: Path, port: int) -> None:
    socket = httpd_socket(paste(tmp_path, f"{_WATCHER}[circus]\nhttpd_port = {port}\nhttpd_host = ::1\n").circus)
    assert (socket.host, socket.port, socket.spare_ports) == ("::1", port, 0)


def test_a_program_that_embeds_an_arbiter_names_it_too() -> None:
    assert httpd_socket(CircusConfig(httpd_port=9000)).spare_ports == 0


def test_the_watcher_inherits_the_socket_and_outlives_a_reload() -> None:
    circus = CircusConfig(endpoint="ipc:///run/a b/control", loglevel="warning")
    watcher = httpd_watcher(circus, PurePath("/var/state dir/console"))
    words = shlex.split(watcher.cmd)
    assert words[words.index("--fd") + 1] == "$(circus.sockets.circushttpd)"
    assert words[words.index("--endpoint") + 1] == "ipc:///run/a b/control"
    assert words[words.index("--state-dir") + 1] == "/var/state dir/console"
    assert words[words.index("--log-level") + 1] == "warning"
    assert watcher.use_sockets
    assert not watcher.cannot_overlap
    assert watcher.reload_mode is ReloadMode.NAMED


def test_debugging_is_told_to_it() -> None:
    assert "--log-level debug" in httpd_watcher(CircusConfig(debug=True), PurePath("/s")).cmd
    assert "--log-level" not in httpd_watcher(CircusConfig(), PurePath("/s")).cmd


def test_what_the_network_needs_is_handed_on() -> None:
    circus = CircusConfig(
        httpd_certfile="tls/console.pem",
        httpd_keyfile="/etc/console.key",
        httpd_names=("a.test", "b.test"),
        httpd_prefix="/ops",
        httpd_trusted_proxies="10.0.0.0/8",
        where={"httpd_certfile": Location("/srv/app.ini", 3)},
    )
    watcher = httpd_watcher(circus, PurePath("/s"))
    for words in (
        *("--certfile /srv/tls/console.pem", "--keyfile /etc/console.key", "--prefix /ops"),
        *("--trusted-proxies 10.0.0.0/8", "--allowed-host a.test --allowed-host b.test"),
    ):
        assert f" {words} " in f"{watcher.cmd} "
    # The certificate is read again; nobody is cut off for it.
    assert watcher.reload_mode is ReloadMode.HUP


def test_its_options_are_found_where_they_stand() -> None:
    place = {"httpd_port": Location("app.ini", 7)}
    assert httpd_socket(CircusConfig(httpd_port=8080, where=place)).spare_ports == 0
