"""The HTTP API of a real console beside a real stack: what it tells, what it does, and whom it refuses."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest

from tests.integration.web.console import Console, Visitor, start_console
from tests.support.stack import Room, RunningStack
from tests.support.waiting import wait_until

V1 = "/api/v1"


@pytest.fixture(scope="module")
def admin(console: Console) -> Visitor:
    return console.program_with("admin", "api-admin")


@pytest.fixture(scope="module")
def operator(console: Console) -> Visitor:
    return console.program_with("operate", "api-operate")


@pytest.fixture(scope="module")
def viewer(console: Console) -> Visitor:
    return console.program_with("view", "api-view")


def test_what_there_is_to_see(viewer: Visitor, stack: RunningStack) -> None:
    status, summary, _ = viewer.ask("GET", f"{V1}/stack")
    assert (status, summary["state"], summary["watchers"], summary["processes"]) == (200, "up", 2, 2)
    assert (summary["name"], summary["pid"]) == (stack.found().record.name, stack.pid)
    assert summary["uptime"] > 0
    watchers = {each["name"]: each for each in viewer.ask("GET", f"{V1}/watchers")[1]}
    assert {name: each["state"] for name, each in watchers.items()} == {"job": "active", "idle": "stopped"}
    assert sorted(watchers["job"]["pids"]) == stack.pids("job")
    assert viewer.ask("GET", f"{V1}/watchers/JOB")[1] == viewer.ask("GET", f"{V1}/watchers/job")[1]
    assert viewer.ask("GET", f"{V1}/nodes")[1][0]["state"] == "up"
    assert viewer.ask("GET", f"{V1}/sockets")[1] == []
    assert viewer.ask("GET", f"{V1}/jobs")[1][0]["command"] == "start"
    assert viewer.ask("GET", f"{V1}/config")[1]["watchers"]["job"]["numprocesses"] == 2
    assert "watcher" in viewer.ask("GET", f"{V1}/schema")[1]["options"]


def test_an_option_comes_with_its_meaning(viewer: Visitor) -> None:
    options = {each["name"]: each for each in viewer.ask("GET", f"{V1}/watchers/job/options")[1]}
    found = options["graceful_timeout"]
    assert found["value"] == found["default"] == 30.0
    assert found["is_default"]
    assert found["change"] == "apply"
    assert "SIGKILL" in found["help"]


def test_operations(operator: Visitor, stack: RunningStack) -> None:
    assert operator.ask("POST", f"{V1}/watchers/idle/start?wait=true", {})[0] == 200
    [first] = stack.pids("idle")
    assert operator.ask("POST", f"{V1}/watchers/idle/incr?wait=true", {"nb": 2})[1]["done"] == {"numprocesses": 3}
    assert len(stack.pids("idle")) == 3
    assert operator.ask("POST", f"{V1}/watchers/idle/decr?wait=true", {"nb": 2})[0] == 200
    status, reply, _ = operator.ask("POST", f"{V1}/watchers/idle/reload?wait=true", {})
    assert status == 200
    assert reply["done"]["info"]["stopped"]
    [second] = stack.pids("idle")
    assert second != first
    assert operator.ask("POST", f"{V1}/watchers/idle/signal", {"signal": "KILL", "pid": second})[0] == 200
    stack.wait_pids(1, other_than=[second], watcher="idle")
    status, reply, _ = operator.ask("POST", f"{V1}/watchers/idle/stop", {})
    assert status == 202
    wait_until(
        lambda: {each["id"]: each["state"] for each in operator.ask("GET", f"{V1}/jobs")[1]}[reply["job"]] == "done",
        "the job to be done",
    )
    assert stack.call("status", name="idle")["status"] == "stopped"


def test_one_process_is_signalled_and_ended(operator: Visitor, stack: RunningStack) -> None:
    path = f"{V1}/watchers/job/processes"
    first, second = (each["pid"] for each in operator.ask("GET", path)[1])
    assert operator.ask("POST", f"{path}/{first}/signal", {"signal": "CONT"})[0] == 200
    assert operator.ask("POST", f"{path}/{first}/signal", {"signal": "FOO"})[0] == 400
    assert operator.ask("POST", f"{path}/{first}/kill?wait=true", {"signal": "INT", "graceful_timeout": 5})[0] == 200
    assert second in stack.wait_pids(2, other_than=[first], watcher="job")
    for pid in (first, 1, "x", "%D9%A3", "9" * 5000):
        assert operator.ask("POST", f"{path}/{pid}/kill", {})[0] in (404, 414, 431), pid
    assert second in stack.pids("job")


def test_all_processes_are_replaced(operator: Visitor, stack: RunningStack) -> None:
    before = stack.pids("job")
    since = stack.call("status", extended=True)["seq"]
    status, reply, _ = operator.ask("POST", f"{V1}/stack/reload", {})
    assert status == 202
    assert reply["job"]
    stack.wait_pids(2, other_than=before, watcher="job")

    def started() -> list[int]:
        events = operator.ask("GET", f"{V1}/events?since={since}&limit=1000")[1]
        assert [each["seq"] for each in events] == sorted(each["seq"] for each in events)
        return sorted(each["process_pid"] for each in events if each["topic"] == "spawn")

    wait_until(lambda: started() == stack.pids("job"), "what happened to be told", detail=started)
    _, events, headers = operator.ask("GET", f"{V1}/events?since={since}&limit=2")
    assert len(events) == 2
    assert headers["x-events-missing-through"] == str(events[0]["seq"] - 1)
    assert "x-events-missing-through" not in operator.ask("GET", f"{V1}/events?since={since}&limit=1000")[2]
    # This console began after the stack.
    assert int(operator.ask("GET", f"{V1}/events?since=0&limit=1000")[2]["x-events-missing-through"]) > 0
    assert operator.ask("GET", f"{V1}/events?limit=0")[0] == 400


def test_a_watcher_is_added_changed_and_removed(admin: Visitor, stack: RunningStack) -> None:
    body = {"name": "new one", "cmd": "sleep 1000", "options": {"graceful_timeout": 3, "env": {"A": "1"}}}
    status, made, _ = admin.ask("POST", f"{V1}/watchers", body)
    assert (status, made["name"], made["state"]) == (201, "new one", "active")
    assert admin.ask("POST", f"{V1}/watchers", body)[0] == 409
    path = f"{V1}/watchers/new%20one"
    assert admin.ask("PATCH", f"{path}/options?wait=true", {"graceful_timeout": "4", "priority": 7})[0] == 200
    options = {each["name"]: each["value"] for each in admin.ask("GET", f"{path}/options")[1]}
    assert (options["graceful_timeout"], options["priority"]) == (4.0, 7)
    status, reply, _ = admin.ask("PATCH", f"{path}/options", {"graceful_timeout": "soon", "priority": 9})
    assert status == 409
    assert "graceful_timeout" in reply["error"]["reason"]
    options = {each["name"]: each["value"] for each in admin.ask("GET", f"{path}/options")[1]}
    assert options["priority"] == 7
    assert admin.ask("DELETE", f"{path}?wait=true")[0] == 200
    assert admin.ask("GET", path)[0] == 404
    assert "new one" not in stack.call("status")["statuses"]


@pytest.mark.parametrize("name", ["shop/web", "a b/c", "50%"])
def test_a_name_may_hold_what_an_address_does_not(admin: Visitor, name: str) -> None:
    path = f"{V1}/watchers/{quote(name, safe='')}"
    body = {"name": name, "cmd": "sleep 1000", "start": False}
    assert admin.ask("POST", f"{V1}/watchers", body)[0] == 201
    assert admin.ask("GET", path)[1]["name"] == name
    assert admin.ask("GET", f"{path}/options")[0] == 200
    assert admin.ask("POST", f"{path}/start?wait=true", {})[0] == 200
    assert admin.ask("DELETE", f"{path}?wait=true")[0] == 200
    assert admin.ask("GET", path)[0] == 404


def test_the_file_is_gone_over_to(admin: Visitor) -> None:
    assert admin.ask("GET", f"{V1}/config/plan")[1] == {"changes": []}
    assert admin.ask("POST", f"{V1}/config/apply?wait=true", {})[1]["done"] == {"changes": []}


def test_lines_of_a_process(console: Console, admin: Visitor, viewer: Visitor) -> None:
    talk = {"name": "talk", "cmd": "sh -c 'echo \"said <b>this</b>\"; echo and that >&2; exec sleep 1000'"}
    assert admin.ask("POST", f"{V1}/watchers", {**talk, "options": {"copy_env": True}})[0] == 201

    def lines() -> list[tuple[str, str]]:
        found = viewer.ask("GET", f"{V1}/logs?watcher=talk")[1]
        return sorted((each["stream"], each["data"]) for each in found)

    wait_until(lambda: lines() == [("stderr", "and that"), ("stdout", "said <b>this</b>")], "both lines", detail=lines)
    for stream in ("stdout", "stderr"):
        [line] = viewer.ask("GET", f"{V1}/logs?watcher=talk&stream={stream}&lines=1")[1]
        assert line["stream"] == stream
    status, text, headers = viewer.ask("GET", f"{V1}/logs?watcher=talk&format=text")
    assert status == 200
    assert b"said <b>this</b>" in text
    assert headers["content-type"] == "text/plain; charset=utf-8"
    assert headers["content-disposition"].startswith("attachment")
    assert admin.ask("DELETE", f"{V1}/watchers/talk?wait=true")[0] == 200


def test_figures_without_circusd_stats_are_not_there(viewer: Visitor) -> None:
    for path in ("figures", "history?watcher=job"):
        status, reply, _ = viewer.ask("GET", f"{V1}/{path}")
        assert status == 503
        assert "statsd = true" in reply["error"]["reason"]


# (method, path, body) of every change, and the role that it takes
CHANGES = [
    ("POST", "/watchers/job/start", {}, "operate"),
    ("POST", "/watchers/job/stop", {}, "operate"),
    ("POST", "/watchers/job/restart", {}, "operate"),
    ("POST", "/watchers/job/reload", {}, "operate"),
    ("POST", "/watchers/job/incr", {}, "operate"),
    ("POST", "/watchers/job/decr", {}, "operate"),
    ("POST", "/watchers/job/signal", {"signal": "HUP"}, "operate"),
    ("POST", "/watchers/job/processes/1/signal", {"signal": "HUP"}, "operate"),
    ("POST", "/watchers/job/processes/1/kill", {}, "operate"),
    ("POST", "/stack/start", {}, "operate"),
    ("POST", "/stack/reload", {}, "operate"),
    ("POST", "/watchers", {"name": "x", "cmd": "sleep 1"}, "admin"),
    ("DELETE", "/watchers/job", None, "admin"),
    ("PATCH", "/watchers/job/options", {"priority": 1}, "admin"),
    ("GET", "/config/plan", None, "admin"),
    ("POST", "/config/apply", {}, "admin"),
    ("POST", "/config/save", None, "admin"),
]


@pytest.mark.parametrize(("method", "path", "body", "role"), CHANGES)
def test_a_change_takes_its_role(
    console: Console,
    viewer: Visitor,
    operator: Visitor,
    stack: RunningStack,
    method: str,
    path: str,
    body: object,
    role: str,
) -> None:
    before = stack.pids("job")
    assert console.visitor().ask(method, V1 + path, body)[0] == 401
    status, reply, _ = viewer.ask(method, V1 + path, body)
    assert (status, role in reply["error"]["reason"]) == (403, True)
    if role == "admin":
        assert operator.ask(method, V1 + path, body)[0] == 403
    assert stack.pids("job") == before


def test_every_change_is_in_that_list(admin: Visitor) -> None:
    paths = admin.ask("GET", f"{V1}/openapi.json")[1]["paths"]
    declared = {
        (method.upper(), path.removeprefix(V1))
        for path, operations in paths.items()
        for method, operation in operations.items()
        if re.search("`(operate|admin)`", operation["description"])
    }
    assert declared == {
        (method, path.replace("/job", "/{name}").replace("/1/", "/{pid}/")) for method, path, _, _ in CHANGES
    }


def test_nothing_but_the_login_answers_strangers(console: Console, admin: Visitor) -> None:
    paths = admin.ask("GET", f"{V1}/openapi.json")[1]["paths"]
    for path, operations in paths.items():
        for method in operations:
            if (method, path) in (("post", f"{V1}/session"), ("get", "/healthz")):
                continue
            status, reply, _ = console.visitor().ask(
                method.upper(), path.replace("{name}", "job").replace("{pid}", "1"), b"{}"
            )
            assert status == 401, (method, path, reply)


def test_secrets_are_not_for_who_only_looks(admin: Visitor, viewer: Visitor) -> None:
    options = {"env": {"DB_PASSWORD": "hunter2"}}
    assert admin.ask("POST", f"{V1}/watchers", {"name": "vault", "cmd": "sleep 1000", "options": options})[0] == 201
    path = f"{V1}/watchers/vault/options"
    seen = {each["name"]: each["value"] for each in viewer.ask("GET", path)[1]}
    known = {each["name"]: each["value"] for each in admin.ask("GET", path)[1]}
    assert known["env"] == {"DB_PASSWORD": "hunter2"}
    assert "hunter2" not in str(seen)
    assert "hunter2" not in str(viewer.ask("GET", f"{V1}/config")[1])
    assert admin.ask("DELETE", f"{V1}/watchers/vault?wait=true")[0] == 200


@pytest.mark.parametrize(
    "name",
    [
        "..%2f..%2fetc",
        "%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "a%00b",
        "%ff%fe",
        "x" * 3000,
        "*",
        "%20",
        "job%0d%0aX-A:b",
    ],
)
def test_a_hostile_name_is_nobodys(admin: Visitor, name: str) -> None:
    for path in (f"{V1}/watchers/{name}", f"{V1}/watchers/{name}/options"):
        status, reply, headers = admin.ask("GET", path)
        assert 400 <= status < 500, (status, reply)
        assert headers["content-type"] == "application/json"
        assert "x-a" not in headers
    assert 400 <= admin.ask("POST", f"{V1}/watchers/{name}/stop", {})[0] < 500


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x"},
        {"name": "", "cmd": "sleep 1"},
        {"name": "x", "cmd": ""},
        {"name": "x" * 201, "cmd": "sleep 1"},
        {"name": 5, "cmd": "sleep 1"},
        {"name": "x", "cmd": "sleep 1", "options": []},
        {"name": "x", "cmd": "sleep 1", "options": {"priority": {"a": 1}}},
        {"name": "x", "cmd": "sleep 1", "extra": 1},
        {"name": "[x]\n", "cmd": "sleep 1"},
    ],
)
def test_what_is_no_watcher_is_refused(admin: Visitor, body: object) -> None:
    status, reply, _ = admin.ask("POST", f"{V1}/watchers", body)
    assert status in (400, 409), reply
    assert reply["error"]["reason"]


def test_an_arbiter_that_is_gone_is_told(here: Room) -> None:
    ini = here.directory / "short.ini"
    ini.write_text("[watcher:short]\ncmd = sleep 1000\n")
    stack = here.serve(str(ini))
    own = start_console(here, stack, "--state-dir", str(here.directory / "short"))
    token = here.run("circus-stack", "token", "add", "t", "--state-dir", str(here.directory / "short")).stdout.strip()
    visitor = own.visitor()
    visitor.headers["Authorization"] = f"Bearer {token}"
    assert visitor.ask("GET", f"{V1}/watchers")[0] == 200
    assert own.visitor().ask("GET", "/healthz")[:2] == (200, {"state": "up"})
    assert stack.stop() == 0
    status, reply, headers = visitor.ask("GET", f"{V1}/watchers")
    assert status == 503, reply
    assert headers["retry-after"]
    wait_until(lambda: own.visitor().ask("GET", "/healthz")[0] == 503, "health to be gone")
    again = here.serve(str(ini))
    wait_until(lambda: visitor.ask("GET", f"{V1}/watchers")[0] == 200, "the stack to be seen again")
    assert again.stop() == 0
