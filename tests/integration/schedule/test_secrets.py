"""Secrets from files, with real programs: they reach the process, and nobody else."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from circus_stack.client.subscriber import Subscriber
from tests.support.stack import Room, RunningStack
from tests.support.waiting import PATIENCE_S, wait_until

SECRETS = ("tiger-in-env-file", "lion-in-a-file", "puma-after-reload")
INI = """\
[watcher:job]
cmd = sleep 600
env_file = secret.env, -lacking.env
env.DB_PASSWORD_file = deep/password
env = PLAIN=shown
numprocesses = 2

[watcher:other]
cmd = sleep 600
"""


@pytest.fixture
def ini(here: Room) -> Path:
    """In a directory that is nobody's working directory."""
    directory = here.directory / "conf"
    (directory / "deep").mkdir(parents=True)
    path = directory / "app.ini"
    path.write_text(INI)
    _secret(directory / "secret.env", f"# ours\nexport TOKEN='{SECRETS[0]}'\nLITERAL=${{TOKEN}}\n")
    _secret(directory / "deep" / "password", SECRETS[1] + "\n")
    return path


def _secret(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o600)


def environment(pid: int) -> dict[str, str]:
    data = Path(f"/proc/{pid}/environ").read_bytes().decode()
    return dict(item.split("=", 1) for item in data.split("\0") if item)


def told(here: Room, stack: RunningStack, ini: Path) -> str:
    """Everything that the programs say of the stack."""
    ctl = [
        ("options", "job"),
        ("get", "job", "env_file", "env.DB_PASSWORD_file", "env"),
        ("status", "--extended"),
        ("stats", "--extended"),
        ("globaloptions",),
        ("jobs",),
        ("schema",),
        ("logs",),
        ("reloadconfig", "--waiting", "--dry-run"),
        ("save",),
    ]
    runs = [here.run("circusctl", "--json", *words) for words in ctl]
    runs.append(here.run("circus-stack", "status"))
    runs.append(here.run("circus-stack", "check", str(ini)))
    runs.append(here.run("circus-stack", "serve", "--dry-run", str(ini)))
    files = [path.read_bytes().decode(errors="replace") for path in here.base.rglob("*") if path.is_file()]
    return stack.output() + "".join(run.stdout + run.stderr for run in runs) + "".join(files)


def test_a_secret_reaches_the_process_and_nobody_else(here: Room, ini: Path) -> None:
    stack = here.serve(str(ini), "--log-level", "debug")
    with stack.subscribe() as events:
        before = stack.wait_pids(2, watcher="job")
        others = stack.pids("other")
        for pid in before:
            found = environment(pid)
            assert found["TOKEN"] == SECRETS[0]
            assert found["LITERAL"] == "${TOKEN}"
            assert found["DB_PASSWORD"] == SECRETS[1]
            assert found["PLAIN"] == "shown"
        assert not {"TOKEN", "DB_PASSWORD"} & set(environment(others[0]))
        words = told(here, stack, ini)

        # A new content is a change of this watcher alone.
        _secret(ini.parent / "deep" / "password", SECRETS[2])
        plan = stack.call("reloadconfig", waiting=True, dry_run=True)["changes"]
        assert len(plan) == 1
        assert "job" in plan[0] and "has changed" in plan[0]
        stack.call("reloadconfig", waiting=True)
        after = stack.wait_pids(2, watcher="job", other_than=before)
        assert [environment(pid)["DB_PASSWORD"] for pid in after] == [SECRETS[2]] * 2
        assert stack.pids("other") == others
        assert stack.call("reloadconfig", waiting=True, dry_run=True)["changes"] == []
        words += told(here, stack, ini)
        stack.call("stop", waiting=True)
        messages = _drain(events)
    assert "PLAIN" in words
    for secret in SECRETS:
        assert secret not in words + messages


def _drain(events: Subscriber) -> str:
    """All events until both watchers have told that they are down."""
    found, left = [], {"watcher.job.stop", "watcher.other.stop"}
    while left:
        event = events.receive(PATIENCE_S)
        assert event is not None, found
        found.append(repr(event))
        left -= {each for each in left if each in found[-1]}
    return "".join(found)


def test_set_and_save_keep_the_paths(here: Room, ini: Path) -> None:
    stack = here.serve(str(ini))
    other = here.directory / "other"
    _secret(other, "panther")
    refused = here.run("circusctl", "set", "job", "env.DB_PASSWORD_file", "relative")
    assert "absolute" in refused.stdout + refused.stderr
    stack.call("set", name="job", options={"env.DB_PASSWORD_file": str(other), "env_file": ""}, waiting=True)
    pid = stack.wait_pids(2, watcher="job")[0]
    assert environment(pid)["DB_PASSWORD"] == "panther"
    assert "TOKEN" not in environment(pid)
    stack.call("save")
    text = ini.read_text()
    assert f"env.DB_PASSWORD_file = {other}" in text
    assert "panther" not in text
    assert stack.call("reloadconfig", waiting=True, dry_run=True)["changes"] == []
    stack.call("set", name="job", options={"env.DB_PASSWORD_file": None}, waiting=True)
    assert "DB_PASSWORD" not in environment(stack.wait_pids(2, watcher="job")[0])


def test_mistakes_and_warnings_have_file_and_line(here: Room, ini: Path) -> None:
    env = ini.parent / "secret.env"
    _secret(env, f"TOKEN=1\n\n{SECRETS[0]}\n")
    (ini.parent / "deep" / "password").unlink()
    done = here.run("circus-stack", "serve", str(ini))
    assert done.returncode == 2
    assert f"{env}:3: [watcher:job] env_file" in done.stderr
    assert f"{ini}:4: [watcher:job] env.DB_PASSWORD_file" in done.stderr
    assert "no such file" in done.stderr
    assert SECRETS[0] not in done.stdout + done.stderr
    _secret(env, "TOKEN=1\n")
    (ini.parent / "deep" / "password").write_text("x")
    (ini.parent / "deep" / "password").chmod(0o644)
    checked = here.run("circus-stack", "check", "--format", "json", str(ini))
    assert checked.returncode == 0, checked.stdout
    warnings = json.loads(checked.stdout)["warnings"]
    assert [each["option"] for each in warnings] == ["env.DB_PASSWORD_file"]
    assert "chmod 600" in warnings[0]["message"]
    # A pipe would wait for somebody for ever.
    (ini.parent / "deep" / "password").unlink()
    os.mkfifo(ini.parent / "deep" / "password")
    assert "regular" in here.run("circus-stack", "check", str(ini)).stdout


def test_a_file_that_goes_is_a_failed_spawn_until_it_is_back(here: Room, ini: Path) -> None:
    stack = here.serve(str(ini))
    path = ini.parent / "deep" / "password"
    before = stack.wait_pids(2, watcher="job")
    path.unlink()
    stack.call("kill", name="job", pid=before[0], signum=9)
    stack.wait_line("env.DB_PASSWORD_file")
    wait_until(lambda: "there is no such file" in stack.output(), "the reason", detail=stack.output)
    _secret(path, SECRETS[2])
    stack.wait_pids(2, watcher="job", other_than=before[:1])
    assert SECRETS[2] not in stack.output()
