"""Another user of this machine changes nothing by an ipc endpoint, wherever its file is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.stack import Room, RunningStack
from tests.support.waiting import wait_until

# Becomes the user, then tries each endpoint: one line of JSON with what came of it. Without imports of ours, since that
# user may not read the checkout.
PROGRAM = """\
import json, os, socket, sys
uid, paths = int(sys.argv[1]), sys.argv[2:]
os.setgroups([]); os.setgid(65534); os.setuid(uid)
found = {}
for path in paths:
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.settimeout(20)
            one.connect(path)
            found[path] = "open" if one.recv(1) else "closed"
    except OSError as error:
        found[path] = type(error).__name__
    for verb in (os.unlink, lambda path: os.rename(path, path + "x"), lambda path: os.chmod(path, 0o666)):
        try:
            verb(path)
            found[path] += " and changed"
        except OSError:
            pass
print(json.dumps(found))
"""
# Two users that no test has a name for.
OTHER, STRANGER = 65531, 65532


def tried_by(uid: int, stack: RunningStack) -> set[str]:
    """What came of a user's attempts at all endpoints of a stack."""
    record = stack.found().record
    endpoints = (record.endpoint, record.pubsub_endpoint, record.logs_endpoint)
    paths = [each.removeprefix("ipc://") for each in endpoints]
    assert all(Path(each).is_socket() for each in paths)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", PROGRAM, str(uid), *paths],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        cwd="/",
    )
    return set(json.loads(done.stdout).values())


@pytest.mark.usefixtures("as_root")
def test_the_runtime_directory_is_closed_to_others(here: Room) -> None:
    # The way to it is open, so that nothing but its own mode keeps the other user out.
    here.base.chmod(0o755)
    here.runtime.chmod(0o755)
    ini = here.directory / "stack.ini"
    ini.write_text("[watcher:web]\ncmd = sleep 600\n")
    stack = here.serve(str(ini))
    assert tried_by(OTHER, stack) == {"PermissionError"}
    assert stack.stop() == 0
    here.assert_nothing_left()


@pytest.mark.usefixtures("as_root")
@pytest.mark.parametrize("owner", [None, OTHER])
def test_a_path_in_an_open_directory_is_for_its_owner_alone(here: Room, owner: int | None) -> None:
    here.base.chmod(0o755)
    place = here.base / "open"
    place.mkdir()
    # Everybody may make files there; the sticky bit keeps them from touching those of others, as in /tmp.
    place.chmod(0o1777)
    line = "" if owner is None else f"endpoint_owner = {owner}\n"
    ini = here.directory / "stack.ini"
    ini.write_text(
        f"[circus]\n{line}endpoint = ipc://{place}/c\npubsub_endpoint = ipc://{place}/e\n"
        f"logs_endpoint = ipc://{place}/l\n[watcher:web]\ncmd = sleep 600\n"
    )
    stack = here.circusd(str(ini))
    assert tried_by(STRANGER, stack) == {"PermissionError"}
    assert {each.stat().st_mode & 0o777 for each in place.iterdir()} == {0o600}
    assert {each.stat().st_uid for each in place.iterdir()} == {os.getuid() if owner is None else owner}
    stack.call("quit")
    stack.program.wait_exit()
    wait_until(lambda: not list(place.iterdir()), "the files of the endpoints to be gone")
