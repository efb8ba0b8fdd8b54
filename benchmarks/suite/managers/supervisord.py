"""supervisord, asked by XML-RPC over its unix socket, as supervisorctl does."""

from __future__ import annotations

import contextlib
import http.client
import socket
import xmlrpc.client
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .manager import LOAD, MANY, PROGRAMS, TOLD, TOLD_COUNT, Control, ControlError, Manager, Site

_ANSWER_S = 120.0
_CONFIG = """[supervisord]
nodaemon = true
logfile = {home}/supervisord.log
pidfile = {home}/supervisord.pid
# Processes, and pipes of each, count against it.
minfds = 8192

[unix_http_server]
file = {home}/c

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""
_PROGRAM = """
[program:{name}]
command = {command}
numprocs = {count}
process_name = %(process_num)d
startsecs = 0
autostart = {autostart}
autorestart = {autorestart}
stopwaitsecs = {wait_s}
stdout_logfile = {log}
stdout_logfile_maxbytes = 0
stderr_logfile = NONE
"""


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_ANSWER_S)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_ANSWER_S)
        self.sock.connect(self._path)


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._kept: _UnixConnection | None = None

    def make_connection(self, host: Any) -> http.client.HTTPConnection:  # noqa: ARG002 - it is always this one
        if self._kept is None:
            self._kept = _UnixConnection(self._path)
        return self._kept

    def close(self) -> None:
        if self._kept is not None:
            self._kept.close()
            self._kept = None


class _Control(Control):
    def __init__(self, server: xmlrpc.client.ServerProxy) -> None:
        self._server = server

    def start(self, name: str) -> None:
        self._call("startProcessGroup", name, True)

    def stop(self, name: str) -> None:
        self._call("stopProcessGroup", name, True)

    def begin_stop(self, name: str) -> None:
        self._call("stopProcessGroup", name, False)

    def pids(self, name: str) -> list[int]:
        return [each["pid"] for each in self._call("getAllProcessInfo") if each["group"] == name and each["pid"]]

    def ask(self) -> None:
        self._call("getState")

    def _call(self, name: str, *values: Any) -> Any:
        try:
            return getattr(self._server.supervisor, name)(*values)
        except (xmlrpc.client.Error, OSError, http.client.HTTPException) as error:
            raise ControlError(f"{name}: {error}") from None


class Supervisord(Manager):
    """It computes no statistics."""

    name = "supervisor"
    help = "supervisord of supervisor 4.3"
    distributions = ("supervisor",)
    # It asks pkg_resources for its own version; setuptools has dropped that in 81.
    requirements = ("supervisor==4.3.*", "setuptools<81")
    has_statistics = False

    def argv(self, site: Site) -> list[str]:
        programs = [
            _PROGRAM.format(
                name=each, command=site.command(each).replace("%", "%%"),
                count={MANY: site.count, TOLD: TOLD_COUNT}.get(each, 1), autostart=each == TOLD,
                autorestart=each != LOAD, wait_s=max(1, round(site.deaf_s)), log=site.log if each == LOAD else "NONE",
            )
            for each in PROGRAMS
        ]  # fmt: skip
        config = site.home / "supervisord.conf"
        config.write_text(_CONFIG.format(home=site.home) + "".join(programs))
        return [str(site.programs / "supervisord"), "-c", str(config)]

    @contextlib.contextmanager
    def connect(self, site: Site) -> Iterator[Control]:
        if not (site.home / "c").exists():
            raise ControlError("it has no socket yet")
        transport = _Transport(site.home / "c")
        try:
            yield _Control(xmlrpc.client.ServerProxy("http://localhost", transport=transport))
        finally:
            transport.close()
