"""The program as a user meets it: what it says to wrong input, and with which status it ends."""

from __future__ import annotations

import socket
import subprocess

import pytest

from tests.integration.chaussette.workers import APP, ROOT
from tests.support.processes import BIN

MODULE = "tests.integration.chaussette.apps"


def chaussette(*argv, env=None, **more):
    """(status, stdout, stderr) of a run that ends by itself."""
    done = subprocess.run(
        [BIN / "chaussette", *argv], capture_output=True, text=True, timeout=60, cwd=more.pop("cwd", ROOT), **more,
        env=env,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def last_line(stderr: str) -> str:
    return stderr.splitlines()[-1]


def write(directory, name, text):
    (directory / name).write_text(text)
    return directory


@pytest.mark.parametrize(
    ("app", "status", "said"),
    [
        ("nowhere:app", 1, "there is no module 'nowhere'"),
        ("nowhere.at.all", 1, "there is no module 'nowhere'"),
        (f"{MODULE}:ap", 1, "has no attribute 'ap'; did you mean 'app'?"),
        (f"{MODULE}.ap", 1, "has no attribute 'ap'; did you mean 'app'?"),
        (f"{MODULE}:not_callable", 1, "is of type int, which cannot be called"),
        (f"{MODULE}:make(open('x'))", 2, "a factory takes literals only"),
        (f"{MODULE}:make(", 2, "write module:callable, module.callable, module:factory()"),
        ("app", 2, "write module:callable, module.callable, module:factory()"),
        ("config:nothing.ini", 2, "there is no file"),
    ],
)
def test_an_application_that_cannot_be_had(app, status, said):
    found, _, stderr = chaussette("--port", "0", app)
    assert (found, said in last_line(stderr)) == (status, True), stderr
    assert "Traceback" not in stderr


def test_an_import_error_inside_the_application_shows_its_own_traceback(tmp_path):
    write(tmp_path, "broken.py", "import json\n\ndef setup():\n    import nowhere_at_all\n\nsetup()\n")
    status, _, stderr = chaussette("--port", "0", "broken:app", cwd=tmp_path)
    assert status == 1
    assert "importing 'broken' failed: No module named 'nowhere_at_all'" in last_line(stderr)
    assert "broken.py" in stderr
    assert "in setup" in stderr
    assert "importlib" not in stderr
    assert "chaussette/" not in stderr


def test_a_factory_that_raises_shows_its_own_traceback(tmp_path):
    write(tmp_path, "broken.py", "def make():\n    raise ValueError('no database')\n")
    status, _, stderr = chaussette("--port", "0", "broken:make()", cwd=tmp_path)
    assert status == 1
    assert "ValueError: no database" in last_line(stderr)
    assert "in make" in stderr


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--fd", "3", "--port", "1"], "an inherited socket has its address already"),
        (["--port", "70000"], "'70000' is not a port"),
        (["--fd", "x"], "'x' is not a whole number"),
        (["--graceful-timeout", "soon"], "'soon' is not a number of seconds"),
        (["--log-level", "loud"], "'loud' is not one of critical, error, warning, info, debug"),
        (["--socket-type", "SOCK_DGRAM"], "'SOCK_DGRAM' is not one of SOCK_STREAM"),
        (["--address-family", "AF_UNIX", "--host", "localhost"], "AF_UNIX needs a host of the form unix:/path"),
        (["--paste-var", "a=b"], "belong to an ini"),
        (["--threads", "0"], "at least 1 is needed"),
        (["--nonsense"], "unrecognized arguments: --nonsense"),
    ],
)
def test_wrong_usage(argv, said):
    status, _, stderr = chaussette(*argv, APP)
    assert (status, said in stderr) == (2, True), stderr
    assert "Traceback" not in stderr


def test_an_fd_that_is_not_open():
    status, _, stderr = chaussette("--fd", "77", APP)
    assert (status, "fd 77 is not open in this process" in stderr) == (1, True)


def test_an_fd_that_is_no_socket(tmp_path):
    with (tmp_path / "file").open("w") as file:
        status, _, stderr = chaussette("--fd", str(file.fileno()), APP, pass_fds=[file.fileno()])
    assert (status, "is not a socket" in stderr) == (1, True)


@pytest.mark.parametrize(
    ("kind", "said"), [(socket.SOCK_STREAM, "does not listen"), (socket.SOCK_DGRAM, "HTTP needs SOCK_STREAM")]
)
def test_an_fd_that_cannot_serve(kind, said):
    with socket.socket(socket.AF_INET, kind) as sock:
        status, _, stderr = chaussette("--fd", str(sock.fileno()), APP, pass_fds=[sock.fileno()])
    assert (status, said in stderr) == (1, True)


def test_a_port_in_use(listener):
    status, _, stderr = chaussette("--host", "127.0.0.1", "--port", str(listener.getsockname()[1]), APP)
    assert (status, "another process listens there" in stderr) == (1, True)


def test_an_unknown_backend_is_answered_with_those_that_exist():
    status, _, stderr = chaussette("--backend", "gevnt", APP)
    assert status == 2
    assert "there is no backend 'gevnt'; did you mean 'gevent'?" in stderr
    assert "waitress   3" in stderr


@pytest.mark.parametrize("later", ["gunicorn", "uvicorn"])
def test_a_backend_that_is_not_there_is_refused(later):
    status, _, stderr = chaussette("--backend", later, APP)
    assert (status, f"there is no backend {later!r}" in stderr) == (2, True)


def test_backend_without_a_name_shows_the_list():
    status, _, stderr = chaussette("--backend")
    assert status == 2
    assert "--backend needs a name" in stderr
    assert all(
        name in stderr for name in ("wsgiref", "waitress", "gevent", "fastgevent", "meinheld", "eventlet", "bjoern")
    )


def test_a_missing_library_is_named_with_the_command_that_installs_it(tmp_path):
    write(tmp_path, "waitress.py", "raise ModuleNotFoundError('No module named waitress', name='waitress')\n")
    env = {"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin"}
    status, _, stderr = chaussette("--backend", "waitress", APP, env=env)
    assert status == 2
    assert "pip install 'circus-stack[waitress]'" in stderr.splitlines()[0]
    status, stdout, _ = chaussette("--list-backends", env=env)
    assert status == 0
    assert "waitress   not available: waitress is not installed" in stdout
    assert "gevent     2" in stdout


def test_a_setting_that_means_nothing_to_the_backend_is_told(supervisor, listener):
    worker = supervisor.start_ready("--backend", "gevent", "--threads", "4", fds=[listener.fileno()])
    assert "--threads means nothing to backend gevent" in worker.output()


def test_help_and_version():
    status, stdout, _ = chaussette("--help")
    assert status == 0
    assert all(word in stdout for word in ("--fd", "--graceful-timeout", "--keepalive-drain", "config:app.ini#name"))
    status, stdout, _ = chaussette("--version")
    assert (status, stdout.startswith("chaussette of circus-stack 0.")) == (0, True)


@pytest.mark.parametrize(
    ("app", "body"),
    [
        (f"{MODULE}:make('ab', times=2)", b"abab"),
        (f"{MODULE}.make()", b"none"),
        ("chaussette.hello:app", b"hello world\n"),
    ],
)
def test_forms_of_an_application(supervisor, listener, app, body):
    supervisor.start_ready(fds=[listener.fileno()], app=app)
    assert supervisor.client(listener.getsockname()).fetch("/")[1] == body


def test_the_log_goes_to_a_file(supervisor, listener, tmp_path):
    log = tmp_path / "chaussette.log"
    worker = supervisor.start_ready("--log-output", str(log), "--log-level", "INFO", fds=[listener.fileno()])
    assert f"[{worker.pid}] [INFO] Using wsgiref as a backend" in log.read_text()
    assert worker.output() == ""


def test_fd_0_as_supervisors_of_fcgi_programs_pass_it(listener, tmp_path):
    argv = [BIN / "chaussette", "--fd", "0", "--graceful-timeout", "1", "chaussette.hello:app"]
    with subprocess.Popen(argv, stdin=listener.fileno(), stderr=subprocess.DEVNULL, cwd=ROOT) as worker:
        try:
            with socket.create_connection(listener.getsockname(), timeout=20) as sock:
                sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
                assert b"hello world" in b"".join(iter(lambda: sock.recv(4096), b""))
        finally:
            worker.kill()
