"""A plugin that is run by hand, at endpoints that ask for a key."""

from __future__ import annotations

import signal

from tests.integration.security.guarded import Guarded

PLUGIN = """\
from circus.plugins import CircusPlugin


class Keyed(CircusPlugin):
    name = "keyed"

    def handle_join(self):
        print("joined", self.call("list")["watchers"])
        print("asked", self.call("incr", name="web")["reason"])

    def handle_recv(self, data):
        pass
"""


def test_a_plugin_shows_the_key_that_it_was_given(guarded: Guarded) -> None:
    (guarded.here.directory / "keyed.py").write_text(PLUGIN)
    words = ["--endpoint", guarded.endpoint(), "--pubsub", guarded.endpoint("events"), "keyed.Keyed"]
    before = guarded.facts()
    plugin = guarded.here.start("circus-plugin", "--key", str(guarded.files["view"]), *words)
    plugin.wait_line("joined ['web']")
    plugin.wait_line("asked incr needs the role operate")
    assert plugin.stop(signal.SIGTERM) == 0
    assert guarded.facts() == before


def test_a_key_that_is_none_is_told(guarded: Guarded) -> None:
    done = guarded.here.run("circus-plugin", "--key", "/nonexistent", "circus_stack.plugins.flapping.Flapping")
    assert done.returncode == 2
    assert "the key /nonexistent cannot be read" in done.stderr
