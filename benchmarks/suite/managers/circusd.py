"""Our circusd and the released Circus: one ini, one protocol, one client."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from circus_stack.client.sync import Client
from circus_stack.errors import CircusStackError

from .manager import LOAD, PROGRAMS, TOLD_COUNT, Control, ControlError, Manager, Site

_ANSWER_S = 120.0
_AGAIN_S = 0.02
_INI = """[circus]
endpoint = ipc://{home}/c
pubsub_endpoint = ipc://{home}/p
stats_endpoint = ipc://{home}/s
statsd = {statsd}
{more}
[watcher:{many_name}]
cmd = {many}
numprocesses = {count}
copy_env = True
autostart = False

[watcher:{told_name}]
cmd = {told}
numprocesses = {told_count}
copy_env = True

[watcher:{deaf_name}]
cmd = {deaf}
copy_env = True
autostart = False
graceful_timeout = {deaf_s:g}

[watcher:{load_name}]
cmd = {load}
copy_env = True
autostart = False
respawn = False
stdout_stream.class = FileStream
stdout_stream.filename = {log}

[watcher:{burn_name}]
cmd = {burn}
copy_env = True
autostart = False
"""


class _Control(Control):
    def __init__(self, client: Client) -> None:
        self._client = client

    def start(self, name: str) -> None:
        # The writer of lines may have ended before Circus has looked whether it runs.
        self._call("start", name=name, waiting=name != LOAD)

    def stop(self, name: str) -> None:
        self._call("stop", name=name, waiting=True)

    def begin_stop(self, name: str) -> None:
        self._client.begin("stop", {"name": name, "waiting": False})

    def pids(self, name: str) -> list[int]:
        return [int(each) for each in self._call("list", name=name)["pids"]]

    def ask(self) -> None:
        self._call("list")

    def _call(self, command: str, **properties: object) -> dict[str, list[int]]:
        until = time.monotonic() + _ANSWER_S
        while True:
            try:
                found: dict[str, list[int]] = self._client.call(command, **properties)
                return found
            except CircusStackError as error:
                # Circus has one lock for all: who asks for a change meanwhile has to ask again, and waits that long.
                if "already running" not in str(error) or time.monotonic() > until:
                    raise ControlError(f"{command}: {error}") from None
            time.sleep(_AGAIN_S)


class Circusd(Manager):
    """`more`: lines of its [circus] section that the other one lacks."""

    def __init__(self, name: str, text: str, distribution: str, requirements: tuple[str, ...], more: str) -> None:
        self.name = name
        self.help = text
        self.distributions = (distribution,)
        self.requirements = requirements
        self._more = more

    def argv(self, site: Site) -> list[str]:
        ini = site.home / "manager.ini"
        names = {f"{each}_name": each for each in PROGRAMS}
        commands = {each: site.command(each) for each in PROGRAMS}
        ini.write_text(
            _INI.format(
                home=site.home, statsd=site.has_statistics, more=self._more.format(home=site.home), count=site.count,
                told_count=TOLD_COUNT, deaf_s=site.deaf_s, log=site.log, **names, **commands,
            )
        )  # fmt: skip
        return [str(site.programs / "circusd"), str(ini)]

    @contextlib.contextmanager
    def connect(self, site: Site) -> Iterator[Control]:
        if not (site.home / "c").exists():
            raise ControlError("it has no socket yet")
        with Client(f"ipc://{site.home}/c", timeout_s=_ANSWER_S) as client:
            yield _Control(client)


OURS = Circusd(
    "circus-stack",
    "circusd of circus-stack",
    "circus-stack",
    (),
    "stats_query_endpoint = ipc://{home}/q\nstate_dir = {home}/state\n",
)
# Without its pause between the starts of two watchers, which nobody would measure.
RELEASED = Circusd("circus", "circusd of Circus 0.19", "circus", ("circus==0.19.*",), "warmup_delay = 0\n")
