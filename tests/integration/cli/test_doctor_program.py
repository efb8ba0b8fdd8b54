"""`circus-stack doctor` as a user runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from circus_stack.cli.checkup.backends import look_at_backends
from circus_stack.cli.checkup.trial import try_python
from circus_stack.system.inquiry import inquire
from tests.support.processes import BIN, running, wait_gone
from tests.support.waiting import wait_until

INI = """
[app:main]
use = call:chaussette.hello:app

[server:main]
use = egg:circus-stack
listen = 127.0.0.1:0
backend = {backend}

[service:redis]
binary = {binary}
optional = {optional}
"""


def _doctor(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    program = [str(BIN / "circus-stack"), "doctor", *arguments]
    return subprocess.run(program, capture_output=True, text=True, timeout=60, env={**os.environ, **environ})


def _findings(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    return {f"{each['area']}.{each['name']}": each for each in json.loads(done.stdout)["findings"]}


def _ini(tmp_path: Path, *, backend: str = "waitress", binary: str = "redis-server", optional: str = "no") -> str:
    path = tmp_path / "app.ini"
    path.write_text(INI.format(backend=backend, binary=binary, optional=optional))
    return str(path)


def test_what_works_is_shown_with_its_version() -> None:
    done = _doctor("--format", "json")
    assert done.returncode == 0, done.stderr
    found = _findings(done)
    for name in ("library.pyzmq", "backend.waitress", "backend.gevent", "service.redis", "service.memcached"):
        assert (found[name]["status"], bool(found[name]["version"])) == ("ok", True), name
    assert found["machine.pidfd"]["is_required"]


def test_text_is_plain_in_a_pipe() -> None:
    done = _doctor()
    assert done.returncode == 0
    assert done.stdout.startswith("Python\n")
    assert "\x1b" not in done.stdout
    assert done.stdout.splitlines()[-1].startswith("All that is required works.")


def test_what_is_not_there_says_how_to_get_it(tmp_path: Path) -> None:
    found = _findings(_doctor("--format", "json", PATH=str(tmp_path), JAVA_HOME=""))
    assert found["service.solr"]["status"] == "missing"
    assert "apt-get install" in found["service.solr"]["mend"]


def test_modules_that_do_not_import_are_broken_and_hide_no_other(tmp_path: Path) -> None:
    modules = {"setproctitle": "setproctitle", "msgspec": "msgspec", "pyzmq": "zmq"}
    for module in modules.values():
        (tmp_path / f"{module}.py").write_text("raise ImportError('built for another Python')")
    done = _doctor("--format", "json", PYTHONPATH=str(tmp_path))
    assert done.returncode == 1, done.stderr
    found = _findings(done)
    for name in modules:
        assert found[f"library.{name}"]["status"] == "broken"
        assert found[f"library.{name}"]["detail"] == "ImportError: built for another Python"
    assert found["library.click"]["status"] == "ok"


def test_a_stack_is_looked_at_first(tmp_path: Path) -> None:
    done = _doctor(_ini(tmp_path))
    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith("The stack\n")


@pytest.mark.parametrize(("optional", "code"), [("no", 1), ("yes", 0)])
def test_a_missing_service_must_be_mended_unless_it_is_optional(tmp_path: Path, optional: str, code: int) -> None:
    done = _doctor("--format", "json", _ini(tmp_path, binary="/nowhere/redis", optional=optional))
    assert done.returncode == code
    assert _findings(done)["file.redis"]["detail"] == "'/nowhere/redis' does not exist"


def test_a_wrong_stack_names_file_and_line(tmp_path: Path) -> None:
    done = _doctor(_ini(tmp_path, optional="perhaps"))
    assert done.returncode == 1
    assert "app.ini:12: [service:redis] optional" in done.stdout
    assert done.stdout.splitlines()[-1] == "Must be mended: app.ini."


def test_a_file_that_does_not_exist_is_wrong_usage() -> None:
    done = _doctor("/nowhere/app.ini")
    assert done.returncode == 2
    assert "does not exist" in done.stderr


def test_an_import_that_kills_its_process_is_told() -> None:
    code = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
    assert try_python(code, [], os.environ) == (None, "the import ended by signal 11")


def test_a_backend_that_kills_its_process_or_raises_anything_is_told_and_hides_no_other(tmp_path: Path) -> None:
    (tmp_path / "waitress.py").write_text("import os, signal\nprint('noise')\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    (tmp_path / "_bjoern.py").write_text("raise SystemExit('of another machine')")
    names = ["waitress", "bjoern", "wsgiref"]
    found = {each.name: each for each in look_at_backends(names, {**os.environ, "PYTHONPATH": str(tmp_path)})}
    assert list(found) == names
    assert found["waitress"].detail == "the import ended by signal 11"
    assert found["bjoern"].detail == "SystemExit: of another machine"
    assert found["wsgiref"].status == "ok"


def test_an_inquiry_that_takes_too_long_is_ended() -> None:
    answer = inquire([sys.executable, "-c", "import time; time.sleep(60)"], env=os.environ, timeout_s=0.3)
    assert (answer.exit_code, answer.errors) == (None, "no answer within 0 s")


def test_ctrl_c_ends_it_with_what_it_started(tmp_path: Path) -> None:
    started = tmp_path / "started"
    (tmp_path / "waitress.py").write_text(
        f"import os, pathlib, time\npathlib.Path({str(started)!r}).write_text(str(os.getpid()))\ntime.sleep(60)\n"
    )
    with running([str(BIN / "circus-stack"), "doctor"], tmp_path / "log", env={"PYTHONPATH": str(tmp_path)}) as program:
        pid = int(wait_until(lambda: started.exists() and started.read_text(), "the import has begun"))
        os.killpg(program.pid, signal.SIGINT)
        assert program.wait_exit() == 1
        wait_gone(pid)
        assert program.output().strip() == "Aborted!"


def test_an_inquiry_of_what_does_not_exist_answers_as_a_shell_would() -> None:
    answer = inquire(["/nowhere/server"], env={}, timeout_s=5)
    assert (answer.exit_code, answer.errors) == (127, "/nowhere/server: No such file or directory")
