"""What doctor finds in a machine that is described to it, without running a program."""

from __future__ import annotations

import os
import re
import resource
import tomllib
from pathlib import Path

import pytest

from circus_stack.cli.checkup import backends, interpreter, machine, places
from circus_stack.cli.checkup.finding import Finding, Status
from circus_stack.cli.checkup.machine import look_at_machine
from circus_stack.cli.checkup.places import look_at_places

ROOT = Path(__file__).parents[3]


def _named(findings: list[Finding], name: str) -> Finding:
    (found,) = [finding for finding in findings if finding.name == name]
    return found


def test_every_dependency_is_looked_at() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert {re.split(r"[<>=~ ]", line)[0] for line in declared} == set(interpreter.REQUIRED)


def test_a_short_accept_queue_is_a_hint(tmp_path: Path) -> None:
    (tmp_path / "sys/net/core").mkdir(parents=True)
    (tmp_path / "sys/net/core/somaxconn").write_text("128\n")
    found = _named(list(look_at_machine(tmp_path)), "somaxconn")
    assert (found.status, found.version) == (Status.HINT, "128")
    assert found.mend == "sysctl -w net.core.somaxconn=4096"
    (tmp_path / "sys/net/core/somaxconn").write_text("4096\n")
    assert _named(list(look_at_machine(tmp_path)), "somaxconn").status is Status.OK


def test_a_machine_without_procfs_is_no_crash(tmp_path: Path) -> None:
    assert not any(finding.is_fatal for finding in look_at_machine(tmp_path))


@pytest.mark.parametrize(
    ("limits", "status", "mend"),
    [
        ((1024, 524288), Status.HINT, "ulimit -n 524288 (in systemd: LimitNOFILE=)"),
        ((1024, resource.RLIM_INFINITY), Status.HINT, "ulimit -n 65536 (in systemd: LimitNOFILE=)"),
        ((65536, 65536), Status.OK, ""),
        ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), Status.OK, ""),
    ],
)
def test_few_open_files_are_a_hint(
    monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int], status: Status, mend: str
) -> None:
    monkeypatch.setattr(machine.resource, "getrlimit", lambda _: limits)
    found = _named(list(look_at_machine()), "open files")
    assert (found.status, found.mend) == (status, mend)


def test_a_kernel_without_pidfd_must_be_mended(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int) -> int:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "pidfd_open", refuse)
    found = _named(list(look_at_machine()), "pidfd")
    assert found.is_fatal
    assert "seccomp" in found.mend


def _places(short_path: Path, **environ: str) -> list[Finding]:
    return list(look_at_places(environ, short_path / "home", short_path / "tmp"))


def test_directories_that_can_be_made_are_fine(short_path: Path) -> None:
    found = _places(short_path, XDG_RUNTIME_DIR=str(short_path / "run"))
    assert [(finding.name, finding.status) for finding in found] == [("runtime", Status.OK), ("state", Status.OK)]
    assert "made at the first start" in found[0].detail
    assert list(short_path.iterdir()) == [], "doctor makes nothing"


def test_a_runtime_directory_that_leaves_no_room_for_a_socket_must_be_mended(short_path: Path) -> None:
    found = _places(short_path, XDG_RUNTIME_DIR=str(short_path / ("d" * 90)))[0]
    assert found.is_fatal
    assert "XDG_RUNTIME_DIR" in found.mend


def test_a_file_where_a_directory_should_be_must_be_mended(short_path: Path) -> None:
    (short_path / "run").mkdir()
    (short_path / "run" / "circus-stack").write_text("")
    found = _places(short_path, XDG_RUNTIME_DIR=str(short_path / "run"))[0]
    assert found.is_fatal
    assert "is not a directory" in found.detail


def test_a_directory_of_another_user_must_be_mended(short_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (short_path / "run" / "circus-stack").mkdir(parents=True)
    monkeypatch.setattr(places.os, "geteuid", lambda: os.getuid() + 1)
    found = _places(short_path, XDG_RUNTIME_DIR=str(short_path / "run"))[0]
    assert found.is_fatal
    assert f"belongs to user {os.getuid()}" in found.detail


def test_meinheld_comes_with_its_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {"is_available": False, "version": "", "reason": "meinheld is not installed", "install": "make meinheld"}
    told = {"meinheld": {"status": answer, "failure": ""}}
    monkeypatch.setattr(backends, "try_python", lambda *_, **__: (told, ""))
    monkeypatch.setattr(backends.sys, "version_info", (3, 12, 1))
    (found,) = backends.look_at_backends(["meinheld"], {})
    assert found.status is Status.MISSING
    assert f"make -C {ROOT} meinheld" in found.mend
    assert "--no-binary meinheld meinheld" in found.mend
    monkeypatch.setattr(backends.sys, "version_info", (3, 13, 0))
    (found,) = backends.look_at_backends(["meinheld"], {})
    assert "works on Python 3.11 and 3.12" in found.mend


def test_a_backend_that_crashes_its_process_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "try_python", lambda *_, **__: (None, "the import ended by signal 11"))
    (found,) = backends.look_at_backends(["gevent"], {}, is_required=True)
    assert found.is_fatal
    assert found.detail == "the import ended by signal 11"
