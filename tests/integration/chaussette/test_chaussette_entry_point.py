"""A backend of anyone's own: a distribution with an entry point, installed by pip beside chaussette."""

from __future__ import annotations

import signal
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.integration.chaussette.workers import ROOT
from tests.support.processes import PYTHON

BACKEND = """
from wsgiref.simple_server import make_server

from chaussette.backends.base import Backend


class Own(Backend):
    name = "own"

    def serve(self, lifecycle):
        server = make_server("127.0.0.1", 0, self.app)
        server.socket.close()
        server.socket = self.listeners[0].sock
        server.timeout = 0.05
        lifecycle.ready(lambda: None, lambda: 0, self.status)
        while not lifecycle.should_stop:
            server.handle_request()
"""
METADATA = "Metadata-Version: 2.1\nName: own-backend\nVersion: 1.0\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    wheel = tmp_path / "own_backend-1.0-py3-none-any.whl"
    info = "own_backend-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("own_backend.py", BACKEND)
        archive.writestr(f"{info}/METADATA", METADATA)
        archive.writestr(f"{info}/WHEEL", WHEEL)
        archive.writestr(f"{info}/entry_points.txt", "[chaussette.backends]\nown = own_backend:Own\n")
        archive.writestr(f"{info}/RECORD", "")
    folder = tmp_path / "site"
    argv = [PYTHON, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--target", str(folder), str(wheel)]
    subprocess.run(argv, check=True, timeout=100)
    return folder


def test_it_serves_is_listed_and_is_refused_tls(supervisor, listener, installed, tmp_path):
    path = str(installed)
    worker = supervisor.start_ready("--backend", "own", fds=[listener.fileno()], PYTHONPATH=path)
    assert supervisor.client(listener.getsockname()).fetch_json("/") == worker.pid
    worker.signal(signal.SIGTERM)
    assert worker.wait_exit() == 0
    argv = [PYTHON, "-m", "chaussette", "--list-backends"]
    listed = subprocess.run(argv, env={"PYTHONPATH": path}, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert "  own " in listed.stdout
    certificate = tmp_path / "cert.pem"
    certificate.touch()
    refused = supervisor.start(
        "--backend", "own", "--certfile", str(certificate), fds=[listener.fileno()], PYTHONPATH=path
    )
    assert refused.wait_exit() == 2
    assert "backend 'own' serves no https" in refused.output()
