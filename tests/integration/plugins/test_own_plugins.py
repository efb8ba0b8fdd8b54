"""Plugins that somebody wrote for Circus, with nothing but Circus's names, run by circus-plugin."""

from __future__ import annotations

import signal

from tests.support.waiting import wait_until

SLEEPER = """
    [watcher:job]
    cmd = sleep 300
"""
LOGGER = """
    from circus import logger
    from circus.plugins import CircusPlugin
    from circus.util import to_bool, to_str

    class Logger(CircusPlugin):
        name = "logger"

        def __init__(self, *args, **config):
            super(Logger, self).__init__(*args, **config)
            self.loud = to_bool(config.get("loud", "no"))

        def handle_init(self):
            logger.info("init %s", self.call("list")["watchers"])
            self.loop.add_timeout(self.loop.time(), self.ask)

        def ask(self):
            logger.info("asked %s", self.call("numprocesses", name="job")["numprocesses"])
            self.cast("incr", name="job")

        def handle_recv(self, data):
            name, action, message = self.split_data(data)
            assert to_str(data[0]) == "watcher.%s.%s" % (name, action)
            logger.info("event %s %s %s", name, action, sorted(self.load_message(message)))
            if action == "reap":
                raise RuntimeError("this plugin has a fault")

        def handle_join(self):
            logger.info("joined, with %s", self.call("list")["watchers"])

        def handle_stop(self):
            logger.info("stop %s %s", self.loud, self.call("numwatchers")["status"])
"""


def test_a_plugin_hears_asks_and_tells(beside):
    stack = beside.circusd(SLEEPER)
    beside.module("mine", LOGGER)
    plugin = beside.plugin("mine.Logger", {"loud": "yes"})

    plugin.wait_line("init ['job']")
    plugin.wait_line("asked 1")
    stack.wait_pids(2, watcher="job")
    # What came of its own request may have been published before it had joined; nothing later is missed.
    plugin.wait_line("joined, with ['job']")
    stack.call("incr", name="job")
    plugin.wait_line("event job spawn ['process_pid', ")
    stack.wait_pids(3, watcher="job")
    assert plugin.stop(signal.SIGTERM) == 0
    assert "stop True ok" in plugin.output()


def test_a_plugin_outlives_its_own_faults_and_the_arbiter(beside):
    stack = beside.circusd(SLEEPER)
    beside.module("mine", LOGGER)
    plugin = beside.plugin("mine.Logger")
    plugin.wait_line("joined, with ['job']")

    stack.call("kill", name="job")
    plugin.wait_line("RuntimeError: this plugin has a fault")
    stack.stop(signal.SIGTERM)
    stack = beside.circusd(SLEEPER.replace("job", "other"))

    plugin.wait_line("joined, with ['other']")
    stack.call("incr", name="other")
    plugin.wait_line("event other spawn")
    assert plugin.stop(signal.SIGINT) == 0


def test_a_signal_ends_a_call_to_nobody(beside):
    beside.module("mine", LOGGER)
    plugin = beside.plugin("mine.Logger")

    assert plugin.stop(signal.SIGTERM) != 0
    assert "the plugin was asked to stop while it waited for the reply to 'list'" in plugin.output()


def test_a_signal_that_no_wait_hears_ends_it_too(beside):
    # The main thread blocks the signal, so that another one gets it: as where it comes just before the loop sleeps.
    beside.module(
        "threaded",
        """
        import signal, threading, time
        from circus import logger
        from circus.plugins import CircusPlugin

        class Threaded(CircusPlugin):
            name = "threaded"
            def handle_init(self):
                threading.Thread(target=time.sleep, args=(300,), daemon=True).start()
                signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
                self.loop.call_later(0.2, logger.info, "from here on nothing wakes the loop")
            def handle_recv(self, data):
                pass
            def handle_stop(self):
                logger.info("stop")
        """,
    )
    beside.circusd(SLEEPER)
    plugin = beside.plugin("threaded.Threaded")
    plugin.wait_line("from here on nothing wakes the loop")

    assert plugin.stop(signal.SIGTERM) == 0
    assert "stop" in plugin.output()


def test_the_arbiter_runs_a_plugin_of_its_ini(beside):
    beside.module("mine", LOGGER)
    stack = beside.circusd(
        """
        [watcher:job]
        cmd = sleep 300

        [plugin:mine]
        use = mine.Logger
        loud = yes
        stdout_stream.filename = plugin.out
        stderr_stream.filename = plugin.out
        """
    )

    out = beside.room.directory / "plugin.out"
    wait_until(lambda: out.exists() and "asked 1" in out.read_text(), "what the plugin says", detail=stack.output)
    assert stack.call("status", name="plugin:mine")["status"] == "active"
    assert stack.call("options", name="plugin:mine")["options"]["singleton"] is True
    assert stack.stop(signal.SIGTERM) == 0
    assert "stop True ok" in out.read_text()


def test_two_threads_may_call_at_once(beside):
    beside.circusd(SLEEPER)
    beside.module(
        "busy",
        """
        import threading
        from circus import logger
        from circus.plugins import CircusPlugin

        class Busy(CircusPlugin):
            name = "busy"
            def handle_init(self):
                for number in range(4):
                    threading.Thread(target=self.ask, args=(number,), daemon=True).start()
            def ask(self, number):
                replies = {tuple(self.call("list", name="job")["pids"]) for _ in range(50)}
                self.loop.add_callback(logger.info, "thread %d has %d answer", number, len(replies))
            def handle_recv(self, data):
                pass
        """,
    )
    plugin = beside.plugin("busy.Busy")

    for number in range(4):
        plugin.wait_line(f"thread {number} has 1 answer")


def test_an_inactive_plugin_waits(beside):
    beside.module("mine", LOGGER)
    plugin = beside.plugin("mine.Logger", {"active": "false"})
    plugin.wait_line("it is not active")

    assert plugin.stop(signal.SIGTERM) == 0


def test_what_is_wrong_is_told_in_a_line(beside):
    for words, told in {
        ("nowhere.P",): "there is no module nowhere here",
        ("--config", "attempts:none", "circus.plugins.flapping.Flapping"): "attempts: found 'none'; legal: a whole",
    }.items():
        done = beside.room.run("circus-plugin", *words)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert done.stderr.startswith("circus-plugin: ")
        assert told in done.stderr
