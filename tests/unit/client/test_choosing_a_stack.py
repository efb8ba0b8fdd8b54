"""Which stack is meant, and what is said where that isn't clear; what a client makes of replies."""

from __future__ import annotations

from pathlib import Path

import pytest

from circus_stack.cli.target import find_target
from circus_stack.client.call import checked, matching_reply, new_request
from circus_stack.client.discovery import FoundStack, ManyStacksError, NoStackError, Search, choose, find_stacks
from circus_stack.errors import CallError, CommandError, Errno
from circus_stack.protocol.record import StackRecord
from circus_stack.protocol.reply import error_reply, ok_reply, parse_reply
from circus_stack.protocol.request import parse_request
from circus_stack.protocol.rundir import RuntimePaths

PLACES = (Path("/run/user/7/circus-stack"),)


def found(name: str, id: str, source: str) -> FoundStack:
    record = StackRecord(id=id, name=name, source=source, pid=7, started_at=0.0, endpoint=f"ipc:///run/{id}")
    return FoundStack(record, RuntimePaths(PLACES[0] / id))


NOTES = found("notes", "aaaaaaaaaa", "/srv/notes.ini")
SHOP = found("shop", "bbbbbbbbbb", "/srv/shop.ini")
NONE, ONE, TWO = Search((), PLACES), Search((NOTES,), PLACES), Search((NOTES, SHOP), PLACES)


def test_it_is_looked_for_where_the_environment_says_not_ours(tmp_path: Path) -> None:
    environ = {"XDG_RUNTIME_DIR": "/run/nobody", "TMPDIR": str(tmp_path)}
    assert find_stacks(environ, uid=7).places[:2] == (Path("/run/nobody/circus-stack"), tmp_path / "circus-stack-7")


def test_the_only_stack_is_meant() -> None:
    assert choose(ONE, None) is NOTES


@pytest.mark.parametrize(
    "wanted", ["shop", "bbbbbbbbbb", "/srv/shop.ini", "/srv/../srv/shop.ini", f"{PLACES[0]}/bbbbbbbbbb"]
)
def test_a_stack_has_a_name_an_id_a_file_and_a_directory(wanted: str) -> None:
    assert choose(TWO, wanted) is SHOP


def test_several_stacks_are_listed() -> None:
    with pytest.raises(ManyStacksError, match=r"--stack NAME, ID or INI(.|\n)*notes(.|\n)*shop"):
        choose(TWO, None)


def test_two_stacks_of_one_name_are_listed() -> None:
    twins = Search((NOTES, found("notes", "cccccccccc", "/other/notes.ini")), PLACES)

    with pytest.raises(ManyStacksError, match=r"aaaaaaaaaa(.|\n)*cccccccccc"):
        choose(twins, "notes")


def test_no_stack_names_what_was_looked_at() -> None:
    with pytest.raises(NoStackError, match=r"no running stack was found \(looked in /run/user/7/circus-stack\)"):
        choose(NONE, None)


def test_an_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(NoStackError, match=r"'blog'; there are(.|\n)*notes(.|\n)*shop"):
        choose(TWO, "blog")


def test_an_endpoint_that_is_named_comes_first() -> None:
    target = find_target({}, endpoint="ipc:///x", search=lambda _environ: ONE, reachable=lambda _endpoint: True)

    assert (target.endpoint, target.stack) == ("ipc:///x", None)


def test_the_variable_comes_before_the_search_and_after_the_flags() -> None:
    environ = {"CIRCUSCTL_ENDPOINT": "ipc:///v"}

    assert find_target(environ, search=lambda _environ: ONE, reachable=lambda _endpoint: True).endpoint == "ipc:///v"
    assert find_target(environ, stack="notes", search=lambda _environ: ONE).stack is NOTES


def test_without_a_stack_circus_s_own_port_is_tried() -> None:
    target = find_target({}, search=lambda _environ: NONE, reachable=lambda _endpoint: True)

    assert target.endpoint == "tcp://127.0.0.1:5555"
    with pytest.raises(NoStackError, match=r"nobody listens at tcp://127\.0\.0\.1:5555"):
        find_target({}, search=lambda _environ: NONE, reachable=lambda _endpoint: False)


def test_an_endpoint_where_nobody_listens_is_told_with_its_origin() -> None:
    with pytest.raises(CallError, match=r"nobody listens at ipc:///v \(from CIRCUSCTL_ENDPOINT\)"):
        find_target({"CIRCUSCTL_ENDPOINT": "ipc:///v"}, reachable=lambda _endpoint: False)
    with pytest.raises(CallError, match="'5555' is no endpoint"):
        find_target({}, endpoint="5555")


def test_a_reply_is_known_by_its_id() -> None:
    id, data = new_request("list", {"name": None})

    assert parse_request(data).id == id
    assert matching_reply([ok_reply("another", {}, 0.0)], id) is None
    assert matching_reply([ok_reply(id, {"watchers": []}, 0.0)], id) is not None
    assert matching_reply([error_reply(None, "json invalid", Errno.INVALID_JSON, 0.0)], id) is not None


def test_a_request_that_an_arbiter_would_drop_unread_is_not_sent() -> None:
    with pytest.raises(CallError, match="1048576 at most"):
        new_request("list", {"name": "x" * 2**20})


def test_an_error_reply_is_raised_with_its_errno() -> None:
    with pytest.raises(CommandError, match="program x not found") as caught:
        checked(parse_reply(error_reply(1, "program x not found", Errno.MESSAGE_ERROR, 0.0)))

    assert caught.value.errno is Errno.MESSAGE_ERROR


def test_an_errno_that_is_not_known_is_none_specified() -> None:
    with pytest.raises(CommandError) as caught:
        checked({"status": "error", "errno": 99})

    assert caught.value.errno is Errno.NOT_SPECIFIED
