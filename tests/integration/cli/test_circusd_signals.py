"""The signals of circusd: what Circus's does, with real processes."""

from __future__ import annotations

import signal

from tests.support.stack import Room
from tests.support.waiting import wait_until


def test_winch_is_ignored_hup_replaces_and_quit_ends(here: Room) -> None:
    ini = here.directory / "signals.ini"
    ini.write_text(
        f"[circus]\nendpoint = ipc://{here.base}/control\npubsub_endpoint = ipc://{here.base}/events\n"
        f"pidfile = {here.base}/circusd.pid\n[watcher:web]\ncmd = sleep 600\nnumprocesses = 2\n"
    )
    stack = here.circusd(str(ini))
    pidfile = here.base / "circusd.pid"
    assert pidfile.read_text() == f"{stack.pid}\n"
    before = stack.wait_pids(2)

    stack.send(signal.SIGWINCH)
    assert stack.call("status")["statuses"] == {"web": "active"}
    assert stack.pids() == before

    stack.send(signal.SIGHUP)
    stack.wait_pids(2, other_than=before)

    assert stack.stop(signal.SIGQUIT) == 0
    wait_until(lambda: not here.leftovers(), "the end of all processes")
    assert not pidfile.exists()
    here.assert_nothing_left()
