"""The shipped plugins that step in: flapping, watchdog, resource_watcher, command_reloader."""

from __future__ import annotations

import shutil
import signal
import socket

from tests.integration.plugins.beside import wait_gone
from tests.support.waiting import wait_until

# Dies as long as there is a file.
DIES = "[watcher:job]\ncmd = sh -c 'test -e broken && exit 1; exec sleep 300'\ncopy_env = True\n"


def flapping(beside, **config: object):
    return beside.plugin("circus.plugins.flapping.Flapping", {"attempts": 2, "window": 20, **config})


def broken(beside, stack):
    """The watcher's processes die from now on."""
    (beside.room.directory / "broken").touch()
    stack.call("signal", name="job", signum="KILL")


def test_a_flapping_watcher_is_paused_and_tried_again(beside):
    stack = beside.circusd(DIES)
    plugin = flapping(beside, retry_in=1, max_retry=-1)
    broken(beside, stack)

    plugin.wait_line("job is flapping: it is stopped, and tried again in 1 s (pause 1)")
    plugin.wait_line("(pause 2)")
    (beside.room.directory / "broken").unlink()
    wait_until(lambda: stack.call("status", name="job")["status"] == "active", "job", detail=plugin.output)
    assert plugin.stop(signal.SIGTERM) == 0


def test_after_max_retry_it_stays_stopped(beside):
    stack = beside.circusd(DIES + "flapping.max_retry = 0\n")
    plugin = flapping(beside, retry_in=0)
    broken(beside, stack)

    plugin.wait_line("job is flapping, and stays stopped")
    wait_until(lambda: stack.call("status", name="job")["status"] == "stopped", "the stop", detail=plugin.output)


def test_what_an_operator_stopped_during_the_pause_stays_stopped(beside):
    stack = beside.circusd(DIES)
    plugin = flapping(beside, retry_in=2)
    broken(beside, stack)
    plugin.wait_line("job is down")
    # It is stopped already: no event tells of this.
    stack.call("stop", name="job", waiting=True)

    plugin.wait_line("job was taken in hand by somebody else: it is left alone")
    assert stack.call("status", name="job")["status"] == "stopped"


def test_what_an_operator_started_during_the_pause_is_left_alone(beside):
    stack = beside.circusd(DIES)
    plugin = flapping(beside, retry_in=1)
    broken(beside, stack)
    plugin.wait_line("job is down")
    (beside.room.directory / "broken").unlink()
    stack.call("start", name="job", waiting=True)
    (pid,) = stack.pids("job")

    # Its own deaths are counted from anew: one is not flapping.
    stack.call("kill", name="job", waiting=True)
    stack.wait_pids(1, other_than=[pid], watcher="job")
    assert plugin.output().count("is flapping") == 1


def test_a_silent_process_is_ended_and_one_that_speaks_is_not(beside):
    stack = beside.circusd("[watcher:job]\ncmd = sleep 300\nnumprocesses = 2\n[watcher:other]\ncmd = sleep 300\n")
    silent, speaking = stack.wait_pids(2, watcher="job")
    other = stack.pids("other")
    plugin = beside.plugin(
        "circus.plugins.watchdog.WatchDog", {"port": 0, "loop_rate": 0.5, "max_count": 4, "watchers_regex": "job"}
    )
    line = next(each for each in plugin.wait_line("watches 2 processes").splitlines() if "listens on UDP" in each)
    address = ("127.0.0.1", int(line.rpartition(":")[2]))

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:

        def is_replaced() -> bool:
            for data in (f"{speaking};1".encode(), b"\xff\xfe", b"x" * 5000, b"-1;1", b";", b"", b"99999999999;1"):
                sock.sendto(data, address)
            return silent not in stack.pids("job")

        wait_until(is_replaced, "the end of the silent process", detail=plugin.output, pause_s=0.1)
        assert speaking in stack.pids("job")
    wait_gone(silent)
    assert stack.pids("other") == other
    assert f"job: process {silent} gives no sign of life" in plugin.output()
    assert plugin.stop(signal.SIGTERM) == 0


def test_a_watchdog_that_cannot_listen_ends(beside):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        done = beside.room.run("circus-plugin", "--config", f"port:{port}", "circus.plugins.watchdog.WatchDog")

    assert done.returncode == 1
    assert f"watchdog: UDP 127.0.0.1:{port} cannot be bound: Address already in use" in done.stderr


def test_a_watcher_beyond_its_limit_is_restarted(beside, statsd):
    stack = beside.circusd("[watcher:job]\ncmd = sleep 300\n")
    (pid,) = stack.wait_pids(1, watcher="job")
    beside.plugin(
        "circus.plugins.resource_watcher.ResourceWatcher",
        {
            "service": "job",
            "max_mem": "1K",
            "max_count": 2,
            "loop_rate": 0.1,
            **statsd.options,
        },
    )

    statsd.wait("circus.app.watcher._resource_watcher.job.over_memory:1|c")
    statsd.wait("circus.app.watcher._resource_watcher.job.restarting:1|c")
    stack.wait_pids(1, other_than=[pid], watcher="job")


def test_a_child_beyond_its_limit_is_told_and_the_watcher_goes_on(beside, statsd):
    stack = beside.circusd("[watcher:job]\ncmd = sh -c 'while :; do sleep 300; done'\n")
    (pid,) = stack.wait_pids(1, watcher="job")

    def child() -> int | None:
        children = stack.call("stats", name="job")["info"][str(pid)]["children"]
        return children[0]["pid"] if children else None

    first = wait_until(child, "the child")
    # min_mem in bytes that lie between the shell and a `sleep` would need luck: over_cpu of nobody, under_cpu of all.
    beside.plugin(
        "circus.plugins.resource_watcher.ResourceWatcher",
        {
            "watcher": "job",
            "min_cpu": 0,
            "max_count": 0,
            "loop_rate": 0.1,
            "process_children": 1,
            "child_signal": "KILL",
            **statsd.options,
            "max_mem": "100G",
        },
    )
    statsd.wait("circus.app.watcher._resource_watcher.job.restarting:1|c")
    wait_gone(first)


def test_a_new_program_takes_over(beside):
    bin_ = beside.room.directory / "bin"
    bin_.mkdir()
    sleep = shutil.which("sleep")
    shutil.copy(sleep, bin_ / "worker-1")
    (bin_ / "worker").symlink_to("worker-1")
    stack = beside.circusd(f"[watcher:job]\ncmd = {bin_}/worker 300\n[watcher:other]\ncmd = sleep 300\n")
    (pid,), other = stack.wait_pids(1, watcher="job"), stack.pids("other")
    plugin = beside.plugin("circus.plugins.command_reloader.CommandReloader", {"loop_rate": 0.1}, level="debug")
    plugin.wait_line("watches ")

    shutil.copy(sleep, bin_ / "worker-2")
    (bin_ / "new").symlink_to("worker-2")
    (bin_ / "new").replace(bin_ / "worker")
    (second,) = stack.wait_pids(1, other_than=[pid], watcher="job")
    plugin.wait_line("worker-2 has changed: reload")

    shutil.copy(sleep, bin_ / "copy")
    (bin_ / "copy").replace(bin_ / "worker-2")
    stack.wait_pids(1, other_than=[pid, second], watcher="job")
    assert stack.pids("other") == other
    assert plugin.stop(signal.SIGTERM) == 0
