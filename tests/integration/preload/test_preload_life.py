"""A stack whose workers are forked: deaths, reloads that fail, changes, upgrades, and what a worker has of its own."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import psutil
import pytest

from tests.integration.preload.projects import write_project, zygote_of
from tests.integration.serve.projects import write_watchers
from tests.support.waiting import PATIENCE_S, wait_until

ROOT = Path(__file__).parents[3]


def wait_zygote(stack, other_than: int, name: str = "web") -> int:
    """The pid of another zygote than that, once it can fork."""

    def there() -> int | None:
        found = stack.call("status", extended=True)["watchers"][name]["zygotes"]
        return next((each["pid"] for each in found if each["pid"] != other_than and each["state"] == "ready"), None)

    return wait_until(there, "another zygote", detail=stack.output)


def has_ended(pid: int) -> bool:
    """Of one whose arbiter was killed the test itself is the parent by now."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def loaded_by(stack) -> int:
    return int(stack.client().fetch("/loaded")[1])


def test_a_worker_and_a_zygote_that_die_are_made_anew(here):
    more = "warmup = /, /env/HOME\nbefore_fork = hello.before\nafter_fork = hello.after\n"
    top = (
        "import os\n"
        "def before(arguments):\n    os.environ['MOOD'] = 'calm'\n"
        "def after(arguments):\n    os.environ['BORN'] = f'{os.getpid()} {arguments.application}'\n"
    )
    sections = "[env]\nNUMBER = number $(circus.wid)\n"
    stack = here.serve(write_project(here.directory, more=more, top=top, sections=sections))
    zygote = zygote_of(stack)["pid"]
    first, second = stack.pids()

    # What each has of its own, and what it shares.
    seen: dict[int, tuple[bytes, ...]] = {}

    def ask() -> bool:
        client = stack.client()
        try:
            pid = int(client.fetch("/")[1])
            paths = ("/draw", "/env/BORN", "/env/NUMBER", "/env/MOOD", "/env/CHAUSSETTE_ZYGOTE", "/env/NOTIFY_SOCKET")
            answers = tuple(one_of(stack, pid, path) for path in paths)
        finally:
            client.close()
        seen[pid] = answers
        return len(seen) == 2

    wait_until(ask, "answers of both", detail=lambda: seen)
    assert len({answers[0] for answers in seen.values()}) == 2
    for pid, answers in seen.items():
        assert answers[1].decode().split()[0] == str(pid)
        assert answers[3:] == (b"calm", b"-", b"-")
    assert {answers[2] for answers in seen.values()} == {b"number 1", b"number 2"}

    # `stats` tells of the zygote, `list` and `numprocesses` don't count it.
    stats = stack.call("stats", name="web")
    assert set(stats["info"]) == {str(first), str(second)}
    assert set(stats["zygotes"]["web"]) == {str(zygote)}
    assert stack.call("numprocesses", name="web")["numprocesses"] == 2

    os.kill(first, signal.SIGKILL)
    after = stack.wait_pids(2, other_than=[first])
    assert second in after
    assert zygote_of(stack)["pid"] == zygote

    os.kill(zygote, signal.SIGKILL)
    fresh = wait_zygote(stack, zygote)
    assert stack.pids() == after
    assert "another one is started" in stack.output()
    os.kill(second, signal.SIGKILL)
    stack.wait_pids(2, other_than=[second])
    wait_until(lambda: loaded_by(stack) == fresh, "a worker of the new zygote", detail=stack.output)
    assert stack.stop() == 0
    here.assert_nothing_left()


def one_of(stack, pid: int, path: str) -> bytes:
    """The answer of that worker."""

    def ask() -> bytes | None:
        client = stack.client()
        try:
            asked = int(client.fetch("/")[1])
            answer = client.fetch(path)[1]
            return answer if asked == pid == int(client.fetch("/")[1]) else None
        finally:
            client.close()

    return wait_until(ask, f"an answer of {pid}")


def test_a_reload_that_cannot_load_fails_and_the_old_serve_on(here):
    ini = write_project(here.directory)
    stack = here.serve(ini)
    before, zygote = stack.pids(), zygote_of(stack)["pid"]

    write_project(here.directory, top="raise RuntimeError('no such luck')\n")
    done = here.run("circusctl", "reload", "web", "--waiting")
    assert done.returncode != 0
    assert "no such luck" in done.stdout + done.stderr
    assert stack.pids() == before
    assert zygote_of(stack)["pid"] == zygote
    stack.wait_line("RuntimeError: no such luck")
    # The traceback begins in the application.
    assert "hello.py" in stack.output()
    os.kill(before[0], signal.SIGKILL)
    stack.wait_pids(2, other_than=before[:1])
    assert loaded_by(stack) == zygote

    # One after the other, with another zygote all the same.
    write_project(here.directory, top="import os\nos.environ['MENDED'] = 'yes'\n")
    stack.call("reload", name="web", sequential=True, waiting=True)
    assert stack.client().fetch("/env/MENDED")[1] == b"yes"
    assert zygote_of(stack)["pid"] != zygote
    wait_until(lambda: has_ended(zygote), "the end of the old zygote")
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_upgraded_and_adopted_workers_stay_and_get_a_new_zygote(here):
    ini = write_project(here.directory)
    stack = here.serve(ini)
    before, zygote = stack.pids(), zygote_of(stack)["pid"]
    done = here.run("circus-stack", "upgrade", timeout_s=120)
    assert done.returncode == 0, done.stdout + done.stderr + stack.output()
    assert stack.pids() == before
    second = wait_zygote(stack, zygote)

    stack.send(signal.SIGKILL)
    stack.program.wait_exit()
    stack = here.serve(ini)
    assert stack.pids() == before
    third = wait_zygote(stack, second)
    os.kill(before[0], signal.SIGKILL)
    after = stack.wait_pids(2, other_than=before[:1])
    assert before[1] in after
    wait_until(lambda: loaded_by(stack) == third, "a worker of the new zygote", detail=stack.output)
    wait_until(lambda: has_ended(zygote) and has_ended(second), "the end of the old zygotes")
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_a_stop_waits_for_no_application_that_does_not_load(here):
    marker = here.directory / "importing"
    top = f"import pathlib, time\npathlib.Path({str(marker)!r}).touch()\ntime.sleep(600)\n"
    stack = here.start("circus-stack", "serve", write_project(here.directory, top=top))
    wait_until(marker.exists, "the import", detail=stack.output, timeout_s=2 * PATIENCE_S)
    assert stack.call("list", name="web")["pids"] == []
    assert stack.call("status", extended=True)["watchers"]["web"]["zygotes"][0]["state"] == "loading"
    assert stack.stop(signal.SIGTERM) == 0
    here.assert_nothing_left()


def test_an_application_that_never_loads_gives_the_watcher_up_with_its_traceback(here):
    sections = "[watcher:web]\nmax_failures = 3\nbackoff_initial = 0.01\n"
    top = "import nowhere_to_be_found\n"
    stack = here.start("circus-stack", "serve", write_project(here.directory, top=top, sections=sections))
    stack.wait_line("given up")
    assert "No module named 'nowhere_to_be_found'" in stack.output()
    failed = stack.call("status", extended=True)["watchers"]["web"]
    assert "nowhere_to_be_found" in failed["failed"]["reason"]
    assert failed["zygotes"] == []
    stack.stop(signal.SIGTERM)
    here.assert_nothing_left()


@pytest.mark.parametrize("how", ["stopped", "confused"])
def test_a_zygote_that_does_not_answer_is_replaced(here, how):
    """One that hangs, and one that has closed its channel."""
    hangs_up = "import os, signal\nsignal.signal(signal.SIGUSR1, lambda *_: os.closerange(3, 99))\n"
    top = "" if how == "stopped" else hangs_up
    stack = here.serve(write_project(here.directory, top=top, more="ready_timeout = 8\n"))
    zygote, first = zygote_of(stack)["pid"], stack.pids()[0]
    os.kill(zygote, signal.SIGSTOP if how == "stopped" else signal.SIGUSR1)
    os.kill(first, signal.SIGKILL)
    stack.wait_pids(2, other_than=[first])
    assert zygote_of(stack)["pid"] != zygote
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_limits_priorities_user_and_directory_hold_for_forked_workers(here):
    assert os.geteuid() == 0, "a machine that is prepared for the tests runs them as root"
    here.base.chmod(0o755)
    shutil.copytree(ROOT / "chaussette", here.base / "chaussette", ignore=shutil.ignore_patterns("__pycache__"))
    (here.base / "limited.py").write_text(
        "import os, resource\n"
        "def app(environ, start_response):\n"
        "    text = ' '.join(map(str, (os.getuid(), os.getgid(), os.getgroups(), resource.getrlimit(7)[0],\n"
        "        os.getpriority(os.PRIO_PROCESS, 0), os.sched_getaffinity(0), os.getcwd(), os.environ['USER'])))\n"
        "    start_response('200 OK', [('Content-Type', 'text/plain')])\n"
        "    return [text.encode()]\n"
    )
    text = f"""\
        [socket:web]
        host = 127.0.0.1
        port = 0
        so_reuseport = true

        [watcher:w]
        cmd = /usr/bin/python3 -m chaussette --fd $(circus.sockets.web) limited:app
        use_sockets = true
        working_dir = {here.base}
        user = nobody
        group = nogroup
        ready = notify
        numprocesses = 3
        preload = true
        rlimit_nofile = 321
        nice = 3
        cpu_affinity = 0
        """
    stack = here.serve(str(write_watchers(here.directory, text)))
    for pid in stack.pids("w"):
        assert psutil.Process(pid).ppid() == stack.pid
    nobody = psutil.Process(stack.pids("w")[0]).uids().real
    answer = stack.client("web").fetch("/")[1].decode()
    assert answer == f"{nobody} {nobody} [{nobody}] 321 3 {{0}} {here.base} nobody"
    # Each has the socket of its own place.
    stack.call("decr", name="w", nb=2, waiting=True)
    stack.call("reload", name="w", waiting=True)
    assert stack.client("web").fetch("/")[1].decode() == answer
    assert stack.stop() == 0
    here.assert_nothing_left()
