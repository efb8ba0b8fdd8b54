"""A spawn by somebody who isn't root: as himself under his name, and as nobody else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# The program is loaded as whoever runs the tests, since another user may not be able to read the checkout.
_BE_NOBODY = """\
import os, pwd, signal, sys
from circus_stack.errors import SpawnError
from circus_stack.system.identity import resolve_identity
from circus_stack.system.spawn import SpawnPlan, spawn

nobody = pwd.getpwnam("nobody")
os.setgroups([nobody.pw_gid, 100])
os.setresgid(*[100 if "other-group" in sys.argv else nobody.pw_gid] * 3)
os.setresuid(*[nobody.pw_uid] * 3)
try:
    identity = resolve_identity(sys.argv[1] or None, sys.argv[2] or None)
    argv = ["sh", "-c", "echo $(id -u) $(id -g) $(id -G)"]
    os.waitpid(spawn(SpawnPlan(argv, {}, "/", identity, (), 1, 2)).pid, 0)
    print(identity.user, identity.home)
except SpawnError as error:
    print(error)
"""


def as_nobody(user: str, group: str, *more: str) -> list[str]:
    """What nobody's spawn as that user and group prints."""
    argv = [sys.executable, "-u", "-c", _BE_NOBODY, user, group, *more]
    root = Path(__file__).parents[3]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True, cwd=root)
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("user", "group"), [("nobody", ""), ("65534", ""), ("nobody", "nogroup"), ("", "nogroup"), ("", "65534")]
)
def test_a_process_that_is_not_root_may_name_itself(user: str, group: str) -> None:
    assert as_nobody(user, group) == ["65534 65534 65534 100", "nobody /nonexistent"]


def test_its_group_stays_unless_another_is_named() -> None:
    assert as_nobody("nobody", "", "other-group")[0] == "65534 100 100 65534"


@pytest.mark.parametrize(("user", "group"), [("root", ""), ("", "root"), ("", "users"), ("4711", "")])
def test_it_may_name_nobody_else(user: str, group: str) -> None:
    [reason] = as_nobody(user, group)
    assert reason.startswith("only root can run a process as user")
    assert reason.endswith("this arbiter runs as user 65534 and group 65534")


def test_a_number_that_is_no_users_is_told_as_one() -> None:
    [reason] = as_nobody("nobody", "99999999999")
    assert "group 99999999999" in reason
