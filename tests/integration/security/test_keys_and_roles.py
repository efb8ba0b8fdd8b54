"""With keys set: who has none, one that is not known, or one of too small a role, changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
import zmq

from circus_stack.client.aio import AsyncClient
from circus_stack.client.credentials import Credentials
from circus_stack.errors import CallError, CommandError, Errno
from circus_stack.protocol.commands import COMMANDS
from circus_stack.protocol.roles import Role
from tests.integration.security.guarded import Guarded
from tests.support.waiting import PATIENCE_S

# With these, each command that needs more than its client has would change something.
PROPERTIES: dict[str, dict[str, Any]] = {
    "incr": {"name": "web"},
    "decr": {"name": "web"},
    "signal": {"name": "web", "signum": "KILL"},
    "kill": {"name": "web"},
    "add": {"name": "new", "cmd": "sleep 600", "start": True},
    "rm": {"name": "web"},
    "set": {"name": "web", "options": {"numprocesses": 5, "warmup_delay": 1}},
    "save": {},
    "options": {"name": "web"},
    "get": {"name": "web", "keys": ["cmd"]},
}


def stranger(guarded: Guarded) -> Credentials:
    """A key pair that nobody has let in."""
    public, secret = zmq.curve_keypair()
    return Credentials(public.decode(), secret.decode(), guarded.credentials("view").server)


def test_every_command_takes_the_role_that_it_declares(guarded: Guarded) -> None:
    before = guarded.facts()
    for role in (Role.VIEW, Role.OPERATE):
        with guarded.client(guarded.credentials(role)) as client:
            for command in COMMANDS.values():
                properties = PROPERTIES.get(command.name, {})
                if role.covers(command.role):
                    if command.role is Role.VIEW:
                        assert client.request(command.name, properties)["status"] != "error", command
                    continue
                reply = client.request(command.name, properties)
                assert (reply["status"], reply["errno"]) == ("error", Errno.NOT_ALLOWED), reply
                assert f"needs the role {command.role}; this key ({role}) has {role}" in reply["reason"]
                client.cast(command.name, **properties)
            # Behind the casts: they were read, and did nothing.
            client.call("list")
    assert guarded.facts() == before


def test_each_role_does_what_it_may(guarded: Guarded) -> None:
    with guarded.client(guarded.credentials("operate")) as operator:
        assert operator.call("incr", name="web", waiting=True)["numprocesses"] == 3
        assert operator.call("decr", name="web", waiting=True)["numprocesses"] == 2
    with guarded.client(guarded.credentials("admin")) as admin:
        admin.call("set", name="web", options={"graceful_timeout": 7})
        assert admin.call("get", name="web", keys=["graceful_timeout"])["options"] == {"graceful_timeout": 7.0}
        admin.call("set", name="web", options={"graceful_timeout": 30})


def test_secrets_are_for_admins(guarded: Guarded) -> None:
    def environment(role: str) -> Any:
        with guarded.client(guarded.credentials(role)) as client:
            return client.call("options", name="web")["options"]["env"]

    assert environment("admin") == {"DB_PASSWORD": "hunter2"}
    assert environment("operate") == environment("view") == {"DB_PASSWORD": "***"}


@pytest.mark.parametrize("who", ["nobody", "stranger", "other arbiter", "impostor"])
def test_who_is_not_let_in_is_told_at_once_and_changes_nothing(guarded: Guarded, who: str) -> None:
    admin = guarded.credentials("admin")
    other_public, other_secret = (each.decode() for each in zmq.curve_keypair())
    credentials, said = {
        "nobody": (None, "lets in only who has a key"),
        "stranger": (stranger(guarded), "is not in its authorized_keys"),
        "other arbiter": (Credentials(admin.public, admin.secret, other_public), "does not hold the server key"),
        # The public key of an admin is no secret; without its other half it is worth nothing.
        "impostor": (Credentials(admin.public, other_secret, admin.server), "does not hold the server key"),
    }[who]
    before = guarded.facts()
    with guarded.client(credentials) as client:
        for command in ("incr", "list"):
            with pytest.raises(CallError, match=said):
                client.request(command, {"name": "web"})
    for name in ("events", "logs"):
        with guarded.subscriber(name, credentials) as subscriber, pytest.raises(CallError, match=said):
            subscriber.receive(PATIENCE_S)
    assert guarded.facts() == before


async def _refusal(guarded: Guarded) -> str:
    async with AsyncClient(guarded.endpoint(), timeout_s=PATIENCE_S, credentials=stranger(guarded)) as client:
        with pytest.raises(CallError) as caught:
            await client.call("list")
    return str(caught.value)


def test_coroutines_are_told_as_well(guarded: Guarded) -> None:
    import asyncio

    assert "is not in its authorized_keys" in asyncio.run(_refusal(guarded))


def test_a_client_cannot_give_itself_another_name(guarded: Guarded) -> None:
    view, admin = guarded.credentials("view"), guarded.credentials("admin")
    with zmq.Context() as context, context.socket(zmq.DEALER) as liar:
        liar.setsockopt(zmq.LINGER, 0)
        # ZeroMQ sends such properties with the handshake; the arbiter's own of that name must stand before them.
        liar.setsockopt(zmq.METADATA, f"X-User-Id:{admin.public}".encode())
        liar.setsockopt(zmq.IDENTITY, admin.public.encode())
        view.show_on(liar)
        liar.connect(guarded.endpoint())
        liar.send(b'{"id": "1", "command": "rm", "properties": {"name": "web"}}')
        assert liar.poll(PATIENCE_S * 1000)
        assert b"needs the role admin" in liar.recv()


def test_everybody_with_a_key_may_listen(guarded: Guarded) -> None:
    with guarded.subscriber("events", guarded.credentials("view")) as events:
        assert events.join(PATIENCE_S)
        guarded.stack.call("signal", name="web", signum="CONT")
        guarded.stack.call("incr", name="web", waiting=True)
        guarded.stack.call("decr", name="web", waiting=True)
        assert events.receive(PATIENCE_S) is not None
    with guarded.subscriber("logs", guarded.credentials("view")) as logs:
        assert logs.join(PATIENCE_S)


def test_programs_of_this_user_need_no_key(guarded: Guarded) -> None:
    record = guarded.stack.found().record
    assert record.endpoint.startswith("ipc://")
    assert guarded.here.run("circusctl", "list").stdout == "web\n"
    assert guarded.here.run("circus-stack", "status").returncode == 0


def test_a_command_line_takes_a_key(guarded: Guarded) -> None:
    at = ["circusctl", "--endpoint", guarded.endpoint()]
    assert guarded.here.run(*at, "--key", str(guarded.files["view"]), "list").stdout == "web\n"
    assert guarded.here.run(*at, "list", env={"CIRCUSCTL_KEY": str(guarded.files["view"])}).stdout == "web\n"

    refused = guarded.here.run(*at, "--key", str(guarded.files["view"]), "incr", "web")
    assert (refused.returncode, refused.stderr) == (
        3,
        "error: incr needs the role operate; this key (view) has view\n",
    )
    keyless = guarded.here.run(*at, "list")
    assert keyless.returncode == 1
    assert "name it with --key FILE" in keyless.stderr
    lines = guarded.here.run(*at, "--key", str(guarded.files["view"]), "logs")
    assert lines.stdout.count("hello") >= 2


def test_a_key_that_is_taken_away_counts_no_more(guarded: Guarded) -> None:
    path = guarded.keys.make_client("guest", "operate")
    guarded.files["guest"] = path
    guarded.stack.call("reloadconfig", waiting=True)
    with (
        guarded.client(guarded.credentials("guest")) as guest,
        guarded.client(guarded.credentials("view")) as other,
        guarded.subscriber("events", guarded.credentials("view")) as kept,
        guarded.subscriber("events", guarded.credentials("guest")) as cut,
    ):
        assert kept.join(PATIENCE_S)
        assert cut.join(PATIENCE_S)
        guest.call("incr", name="web", waiting=True)
        guest.call("decr", name="web", waiting=True)
        lines = guarded.keys.authorized.read_text().splitlines(keepends=True)
        guarded.keys.authorized.write_text("".join(each for each in lines if "guest" not in each))
        guarded.stack.call("reloadconfig", waiting=True)
        before = guarded.facts()
        with pytest.raises(CommandError, match="not authorised any more"):
            guest.call("incr", name="web")
        assert other.call("list")["watchers"] == ["web"]
        assert guarded.facts() == before
        # It has lost its subscription, is not let in again, and is told so; the other has what happens then.
        with pytest.raises(CallError, match="authorized_keys"):
            while cut.receive(PATIENCE_S) is not None:
                pass
        guarded.stack.call("incr", name="web", waiting=True)
        guarded.stack.call("decr", name="web", waiting=True)
        topics = [message[0] for message in iter(lambda: kept.receive(0.5), None)]
        assert topics.count("watcher.web.spawn") == 2, topics
    with guarded.client(guarded.credentials("guest")) as guest, pytest.raises(CallError, match="authorized_keys"):
        guest.call("list")


def test_a_list_with_a_mistake_is_refused_and_the_old_one_holds(guarded: Guarded) -> None:
    good = guarded.keys.authorized.read_text()
    guarded.keys.authorized.write_text(f"{good}boss abc me\n")
    try:
        with pytest.raises(CommandError, match=rf"authorized_keys:{len(good.splitlines()) + 1}: 'boss' is no role"):
            guarded.stack.call("reloadconfig", waiting=True)
        with guarded.client(guarded.credentials("view")) as client:
            assert client.call("list")["watchers"] == ["web"]
    finally:
        guarded.keys.authorized.write_text(good)
