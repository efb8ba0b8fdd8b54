"""`circus-stack bench` as a user runs it: a short race, its reports, a comparison, Ctrl-C, wrong words."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from tests.support.processes import BIN
from tests.support.waiting import PATIENCE_S, wait_until

_RACE = ("-c", "waitress", "-c", "wsgiref", "--rounds", "1", "--seconds", "1", "--warm-up", "0", "--connections", "4")


def bench(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """To its end."""
    argv = [str(BIN / "circus-stack"), "bench", *words]
    return subprocess.run(argv, cwd=cwd, capture_output=True, text=True, timeout=4 * PATIENCE_S)


def test_run_report_and_compare(tmp_path: Path) -> None:
    ran = bench("serve", *_RACE, "-s", "io", "-o", "r.json", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert "io, round 1 of 1" in ran.stderr
    found = json.loads((tmp_path / "r.json").read_text())
    [part] = found["parts"]
    assert part["is_complete"]
    assert {each["entrant"] for each in part["rounds"]} == {"waitress", "wsgiref"}
    assert all(each["requests"] > 0 and each["errors"] == each["not_2xx"] == 0 for each in part["rounds"])
    # The application waits 20 ms: a server that answers sooner was asked for something else.
    assert all(each["p50_ms"] >= 20 for each in part["rounds"])
    assert all(each["pss_bytes"] > 2**20 and each["versions"]["circus-stack"] for each in part["entrants"])

    wrote = bench("report", "r.json", "-o", "r.html", "--png", "pictures", cwd=tmp_path)
    assert wrote.returncode == 0, wrote.stderr
    assert "<svg" in (tmp_path / "r.html").read_text()
    assert (tmp_path / "pictures" / "io.png").read_bytes().startswith(b"\x89PNG")
    assert bench("report", "r.json", cwd=tmp_path).stdout in ran.stdout

    assert bench("compare", "r.json", "r.json", cwd=tmp_path).returncode == 0
    for each in part["rounds"]:
        each["requests"] //= 2
    (tmp_path / "slower.json").write_text(json.dumps(found))
    slower = bench("compare", "r.json", "slower.json", cwd=tmp_path)
    assert slower.returncode == 1
    assert slower.stdout.count("worse") == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_early_end_keeps_what_was_found(number: signal.Signals, tmp_path: Path) -> None:
    argv = [str(BIN / "circus-stack"), "bench", "serve", *_RACE, "--rounds", "500", "-s", "io", "-o", "r.json"]
    with (tmp_path / "said").open("wb") as said:
        process = subprocess.Popen(argv, cwd=tmp_path, stdout=said, stderr=said, start_new_session=True)
    told = (tmp_path / "said").read_text
    try:
        wait_until(lambda: "round 2 of 500" in told(), "the second round", timeout_s=4 * PATIENCE_S, detail=told)
        servers = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(number)
        assert process.wait(4 * PATIENCE_S) == 130, told()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert servers
    wait_until(lambda: not any(map(psutil.Process.is_running, servers)), "the end of all servers")
    found = json.loads((tmp_path / "r.json").read_text())
    [part] = found["parts"]
    assert not part["is_complete"]
    assert len(part["rounds"]) >= 2
    assert "The run was cut off" in told()
    assert "Traceback" not in told()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("serve", "-s", "helo"), "no scenario 'helo'. Did you mean 'hello'?"),
        (("serve", "-c", "nginx"), "no contestant 'nginx'. There are: fastgevent"),
        (("serve", "--app", "none.ini"), "none.ini: no such file"),
        (("serve", "--users", "9"), "--users and --processes are of a locust file"),
        (("serve", "-f", "text"), "-f needs --app"),
        (("serve", "--app", "a:b", "-f", "text", "-f", "text"), "two files are called text"),
        (("serve", "--app", "a:b", "--path", "x"), "a path begins with /"),
        (("report", "text"), "is no result"),
    ],
)
def test_wrong_words(words: tuple[str, ...], expected: str, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    said = bench(*words, cwd=tmp_path)
    assert said.returncode in (1, 2)
    assert expected in said.stderr
    assert "Traceback" not in said.stderr
    assert not (tmp_path / "results").exists() or not list((tmp_path / "results").iterdir())
