"""What a person sees: on a terminal, through a pipe, with Ctrl-S, with a reader that goes away."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.support.waiting import PATIENCE_S, wait_until

HELLO = ["sh", "-c", "echo hello; printf '\\033[31mred\\033]0;title\\007\\n'"]
FLOOD = ["sh", "-c", "seq 1000000"]
ROOT = Path(__file__).parents[3]


def argv(kind: str, command: list[str], timeout_s: float = PATIENCE_S) -> list[str]:
    return [sys.executable, "-m", "tests.integration.streams.terminal_program", kind, str(timeout_s), *command]


def environ(**more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR")}
    return {**kept, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", **more}


def run(kind: str, command: list[str], **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv(kind, command),
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environ(**env),
        timeout=PATIENCE_S,
        check=True,
    )


@contextlib.contextmanager
def on_terminal(
    command: list[str], env: Mapping[str, str], timeout_s: float = PATIENCE_S
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A program whose three standard files are a terminal, and our end of that."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        argv("prefixed", command, timeout_s), stdin=theirs, stdout=theirs, stderr=theirs, cwd=ROOT, env=env
    )
    os.close(theirs)
    try:
        yield child, ours
    finally:
        child.kill()
        child.wait(PATIENCE_S)
        os.close(ours)


def read_all(fd: int) -> str:
    """All that comes until the other end is closed."""
    parts: list[bytes] = []

    def read() -> None:
        # EIO is a terminal's end of file.
        with contextlib.suppress(OSError):
            while part := os.read(fd, 65536):
                parts.append(part)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(PATIENCE_S)
    assert not reader.is_alive(), "the terminal was not closed in time"
    return b"".join(parts).decode()


def test_a_terminal_shows_prefixes_in_colour_and_keeps_the_programs_colours() -> None:
    with on_terminal(HELLO, environ()) as (_, fd):
        text = read_all(fd)
    assert re.search(r"begin\r\n\x1b\[\d+mweb\.1\x1b\[0m \x1b\[2m\|\x1b\[0m hello\r\n", text)
    assert "\x1b[31mred^[]0;title^G\x1b[0m\r\n" in text
    assert text.endswith("end\r\n")


def test_no_color_is_obeyed_on_a_terminal() -> None:
    with on_terminal(["echo", "hello"], environ(NO_COLOR="1")) as (_, fd):
        assert read_all(fd) == "begin\r\nweb.1 | hello\r\nend\r\n"


def test_a_pipe_gets_plain_lines_and_the_programs_bytes() -> None:
    done = run("prefixed", HELLO)
    assert done.stdout == "web.1 | hello\nweb.1 | \x1b[31mred\x1b]0;title\x07\n"
    assert done.stderr == "begin\nend\n"


def test_force_color_reaches_a_pipe() -> None:
    assert "\x1b[" in run("prefixed", ["echo", "hello"], FORCE_COLOR="1").stdout


def test_json_lines_on_stdout() -> None:
    done = run("json", ["sh", "-c", "echo out; echo err >&2"])
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert sorted((record["watcher"], record["wid"], record["stream"], record["message"]) for record in records) == [
        ("web", 1, "stderr", "err"),
        ("web", 1, "stdout", "out"),
    ]


def test_raw_is_what_the_program_wrote() -> None:
    done = run("raw", ["sh", "-c", "printf 'a\\nb'; echo err >&2"])
    assert done.stdout == "a\nb"
    assert done.stderr.splitlines() == ["begin", "err", "end"]


def test_a_reader_that_goes_away_ends_nothing() -> None:
    """`serve | head`: no traceback, and the program runs to its own end."""
    child = subprocess.Popen(
        argv("prefixed", FLOOD), stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, env=environ()
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == b"web.1 | 1\n"
        child.stdout.close()
        child.stdout = None
        _, errors = child.communicate(timeout=PATIENCE_S)
        assert errors == b"begin\nend\n"
        assert child.returncode == 0
    finally:
        child.kill()
        child.wait(PATIENCE_S)


def test_a_terminal_that_stands_still_freezes_nothing() -> None:
    """Ctrl-S: nobody takes what is printed. The processes' output is dropped after the timeout, and all ends."""
    with on_terminal(FLOOD, environ(), timeout_s=0.2) as (child, _):
        assert child.wait(PATIENCE_S) == 0


def test_a_terminal_that_stood_still_shows_what_was_kept_and_says_what_was_not(tmp_path: Path) -> None:
    over, go = tmp_path / "over", tmp_path / "go"
    os.mkfifo(go)
    command = ["sh", "-c", f"seq 1000000; touch {over}; read x < {go}"]
    with on_terminal(command, environ(), timeout_s=0.2) as (_, fd):
        wait_until(over.exists, "the end of a flood that nobody reads")
        go.write_text("now\n")
        text = read_all(fd)
    assert "\x1b[0m 1\r\n" in text
    assert re.search(r"\d+ lines \(\d+ bytes\) of web's stdout dropped: stdout has taken nothing for 0.2 s", text)
    assert text.endswith("end\r\n")
