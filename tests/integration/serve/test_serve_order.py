"""The order of start and stop, as the published events tell it."""

from __future__ import annotations

import signal

from tests.integration.serve.projects import script, write_watchers
from tests.support.waiting import wait_until

# Says that it is ready once a file is there.
PATIENT = """\
import os
import signal
import socket
import sys
import time

# At once: an exception would be lost where the signal meets a destructor.
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
gate = sys.argv[1]
while not os.path.exists(gate):
    time.sleep(0.01)
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
while True:
    time.sleep(60)
"""


def heard(subscriber, until: str) -> list[str]:
    """Topics in their order, up to and with `until`."""
    topics: list[str] = []
    while until not in topics:
        message = subscriber.receive(20)
        assert message is not None, topics
        topics.append(message[0].removeprefix("watcher."))
    return topics


def test_a_watcher_waits_for_what_it_depends_on_and_is_stopped_before_it(here):
    gate = here.directory / "gate"
    patient = script(here.directory, "patient", PATIENT)
    text = f"""\
        [watcher:front]
        cmd = sleep 600
        depends_on = middle

        [watcher:middle]
        cmd = {patient} {gate}
        ready = notify
        depends_on = base

        [watcher:base]
        cmd = {patient} {here.directory}
        ready = notify
        """
    stack = here.start("circus-stack", "serve", str(write_watchers(here.directory, text)))
    with stack.subscribe() as events:
        assert events.join(20)
        wait_until(lambda: stack.call("status")["statuses"]["base"] == "active", "base", detail=stack.output)
        assert stack.call("status")["statuses"] == {"front": "starting", "middle": "starting", "base": "active"}
        assert stack.call("list", name="front")["pids"] == []
        gate.touch()
        topics = heard(events, "front.start")
        assert topics.index("middle.ready") < topics.index("front.spawn")
        stack.send(signal.SIGTERM)
        topics = heard(events, "base.stop")
    stops = [topic for topic in topics if topic.endswith((".kill", ".stop"))]
    assert stops == ["front.kill", "front.stop", "middle.kill", "middle.stop", "base.kill", "base.stop"]
    assert stack.program.wait_exit() == 0
    here.assert_nothing_left()


def test_a_higher_priority_starts_first_and_stops_last(here):
    gate = here.directory / "gate"
    patient = script(here.directory, "patient", PATIENT)
    text = f"""\
        [watcher:low]
        cmd = sleep 600

        [watcher:high]
        cmd = {patient} {gate}
        ready = notify
        priority = 10
        """
    stack = here.start("circus-stack", "serve", str(write_watchers(here.directory, text)))
    wait_until(lambda: stack.call("list", name="high")["pids"], "high", detail=stack.output)
    assert stack.call("list", name="low")["pids"] == []
    gate.touch()
    stack.wait_line("circus-stack: ready in")
    with stack.subscribe() as events:
        assert events.join(20)
        stack.send(signal.SIGTERM)
        topics = heard(events, "high.stop")
    assert topics.index("low.stop") < topics.index("high.kill")
    assert stack.program.wait_exit() == 0


def test_listen_prints_the_events_as_they_come(here):
    stack = here.serve(str(write_watchers(here.directory, "[watcher:w]\ncmd = sleep 600\n")))
    [before] = stack.pids("w")
    listener = here.start("circusctl", "listen", "watcher.w.")
    wait_until(lambda: "watcher.w.spawn" in restarted(stack, listener), "an event", pause_s=0.3, detail=listener.output)
    assert "watcher.w.reap" in listener.output()
    assert before not in stack.pids("w")
    assert listener.stop(signal.SIGINT) in (0, 130)
    assert stack.stop() == 0


def restarted(stack, listener) -> str:
    """What a listener has printed after another restart: it may not have been heard at the one before."""
    stack.call("restart", name="w", waiting=True)
    return listener.output()


def test_a_watcher_that_was_not_to_start_is_started_by_hand_with_what_it_needs(here):
    text = """\
        [watcher:asked]
        cmd = sleep 600
        autostart = false
        depends_on = needed

        [watcher:needed]
        cmd = sleep 600
        autostart = false
        """
    stack = here.serve(str(write_watchers(here.directory, text)))
    assert stack.call("status")["statuses"] == {"asked": "stopped", "needed": "stopped"}
    assert here.run("circusctl", "start", "asked", "--waiting").returncode == 0
    assert stack.call("status")["statuses"] == {"asked": "active", "needed": "active"}
    assert stack.stop() == 0
