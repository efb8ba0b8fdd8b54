"""Where a stack's runtime files are, and what it says of itself there."""

from __future__ import annotations

from pathlib import Path

import pytest

from circus_stack.protocol.record import StackRecord, encode_record, parse_record
from circus_stack.protocol.rundir import (
    RuntimePaths,
    app_source,
    endpoint_of,
    file_source,
    runtime_paths,
    runtime_root,
    runtime_roots,
    stack_id,
    state_directory,
)

TEMPORARY = Path("/tmp")
RECORD = StackRecord(
    id="0123456789",
    name="notes",
    source="/srv/app.ini",
    pid=7,
    started_at=1.5,
    endpoint="ipc:///run/control",
    pubsub_endpoint="ipc:///run/events",
    version="1.0",
)


def test_the_runtime_directory_is_the_user_s() -> None:
    assert runtime_root({"XDG_RUNTIME_DIR": "/run/user/7"}, 7, TEMPORARY) == Path("/run/user/7/circus-stack")
    assert runtime_root({}, 7, TEMPORARY) == Path("/tmp/circus-stack-7")


@pytest.mark.parametrize("value", ["", "relative/path"])
def test_a_runtime_directory_that_is_no_absolute_path_is_ignored(value: str) -> None:
    assert runtime_root({"XDG_RUNTIME_DIR": value}, 7, TEMPORARY) == Path("/tmp/circus-stack-7")


def test_stacks_are_also_found_where_there_was_no_runtime_directory() -> None:
    roots = runtime_roots({"XDG_RUNTIME_DIR": "/run/user/7"}, 7, TEMPORARY)

    assert roots == (Path("/run/user/7/circus-stack"), Path("/tmp/circus-stack-7"))


def test_the_state_directory() -> None:
    home = Path("/home/u")

    assert state_directory({}, home, "abc") == Path("/home/u/.local/state/circus-stack/abc")
    assert state_directory({"XDG_STATE_HOME": "/var/s"}, home, "abc") == Path("/var/s/circus-stack/abc")


def test_an_id_is_short_steady_and_of_one_stack() -> None:
    ids = {
        stack_id(file_source(Path("/srv/a.ini"))),
        stack_id(file_source(Path("/srv/b.ini"))),
        stack_id(app_source("mod:app", Path("/srv"))),
        stack_id(app_source("mod:app", Path("/home"))),
    }

    assert len(ids) == 4
    assert all(len(id) == 10 for id in ids)
    assert stack_id("/srv/a.ini") in ids


def test_a_path_with_odd_bytes_has_an_id() -> None:
    assert stack_id("/srv/caf\udce9.ini")


def test_endpoints_are_short_enough_for_a_socket() -> None:
    paths = runtime_paths(Path("/run/user/1000/circus-stack"), "0123456789")

    assert endpoint_of(paths.control) == "ipc:///run/user/1000/circus-stack/0123456789/control"
    assert paths.id == "0123456789"


def test_a_path_that_is_too_long_says_what_helps() -> None:
    with pytest.raises(ValueError, match=r"107.*XDG_RUNTIME_DIR"):
        endpoint_of(RuntimePaths(Path("/" + "x" * 100)).control)


def test_a_record_survives_the_journey() -> None:
    assert parse_record(encode_record(RECORD)) == RECORD


def test_fields_of_a_newer_version_are_ignored() -> None:
    data = encode_record(RECORD).replace(b'{"id"', b'{"mood":"good","id"')

    assert parse_record(data) == RECORD


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"id": 5}', encode_record(RECORD).replace(b":7,", b':"7",')])
def test_what_is_no_record_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_record(data)
