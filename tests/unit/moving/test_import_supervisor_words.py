"""Options of supervisord.conf in our words, and what is told of those that have none."""

from __future__ import annotations

from pathlib import Path

import pytest

from circus_stack.config.problems import Problems
from circus_stack.moving.draft import Draft
from circus_stack.moving.supervisor.translate import import_supervisor
from tests.unit.config.stacks import paste, watcher


def translate(text: str, problems: Problems | None = None) -> Draft:
    """The draft of one file; its mistakes fail the test unless it wants to see them."""
    found = Problems() if problems is None else problems
    draft = import_supervisor(Path("/srv/supervisord.conf"), lambda _path: text, found)
    if problems is None:
        assert found.mistakes == ()
    return draft


def program(lines: str, name: str = "web") -> str:
    return f"[supervisord]\nnodaemon=true\n[program:{name}]\ncommand=/bin/cat\n{lines}\n"


def options(lines: str) -> dict[str, str]:
    return dict(translate(program(lines)).section("watcher:web").options)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("autorestart=false", {"respawn": "false", "exit_codes": None}),
        ("autorestart=true", {"respawn": None, "exit_codes": None}),
        ("autorestart=unexpected", {"respawn": None, "exit_codes": "0"}),
        ("exitcodes=0,3", {"exit_codes": "0, 3"}),
        ("autostart=0", {"autostart": "false"}),
        ("startsecs=0", {"ready": None}),
        ("startsecs=7", {"ready": "delay:7"}),
        ("startretries=9\nstartsecs=2", {"max_failures": "10", "failure_window": "320"}),
        ("stopsignal=SIGQUIT", {"stop_signal": "SIGQUIT"}),
        ("stopsignal=TERM", {"stop_signal": None}),
        ("directory=~root/x", {"working_dir": str(Path("~root/x").expanduser())}),
        ("stdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0", {"stdout_stream.class": "StdoutStream"}),
        ("stderr_logfile=/dev/stderr", {"stderr_stream.class": None}),
        ("stderr_logfile=syslog", {"stderr_stream.class": "SyslogStream", "stderr_stream.facility": "user"}),
        ("stdout_logfile=NONE", {"close_child_stdout": "true", "close_child_stderr": None}),
        ("stdout_logfile=none\nredirect_stderr=true", {"close_child_stdout": "true", "close_child_stderr": "true"}),
        ("stdout_logfile=/l\nstdout_logfile_maxbytes=0", {"stdout_stream.max_bytes": None}),
        ("stdout_logfile=/l\nstdout_logfile_maxbytes=2MB", {"stdout_stream.max_bytes": "2097152"}),
        ("stdout_logfile=/l", {"stdout_stream.max_bytes": "52428800", "stdout_stream.backup_count": "10"}),
        ("stdout_logfile=AUTO", {"stdout_stream.class": None}),
        ("process_name=%(program_name)s_%(process_num)d\nnumprocs=3", {"numprocesses": "3"}),
    ],
)
def test_an_option_in_our_words(lines: str, expected: dict[str, str | None]) -> None:
    found = options(lines)
    assert {key: found.get(key) for key in expected} == expected


def test_the_lowest_priority_starts_first(tmp_path: Path) -> None:
    text = program("priority=10", "db") + program("").partition("[program")[0] + "[program:web]\ncommand=/bin/cat\n"
    stack = paste(tmp_path, translate(text).render("x"))
    assert watcher(stack, "db").priority > watcher(stack, "web").priority == 0


def test_a_group_orders_its_programs_before_their_own_priority(tmp_path: Path) -> None:
    text = program("priority=1", "a") + "[program:b]\ncommand=/bin/cat\npriority=5\n[group:g]\nprograms=b\npriority=0\n"
    stack = paste(tmp_path, translate(text).render("x"))
    assert watcher(stack, "b").priority > watcher(stack, "a").priority


def test_a_number_from_one_on_is_our_own(tmp_path: Path) -> None:
    lines = "process_name=%(process_num)d\nnumprocs=2\nnumprocs_start=1\nenvironment=N=%(process_num)d"
    stack = paste(tmp_path, translate(program(lines).replace("/bin/cat", "/bin/cat %(process_num)s")).render("x"))
    assert (watcher(stack, "web").numprocesses, watcher(stack, "web").cmd) == (2, "/bin/cat $(circus.wid)")
    assert watcher(stack, "web").env == {"N": "$(circus.wid)"}


def test_values_of_variables_come_through_unchanged(tmp_path: Path) -> None:
    lines = 'environment=A="with, comma",B=\'50%%\',C="$HOME",D=%(ENV_FROM)s:/x'
    stack = paste(tmp_path, translate(program(lines)).render("x"), environ={"FROM": "outside", "HOME": "/not/this"})
    assert watcher(stack, "web").env == {"A": "with, comma", "B": "50%", "C": "$HOME", "D": "outside:/x"}


def test_comments_and_long_values_are_read_as_supervisor_reads_them() -> None:
    text = program("").replace("/bin/cat", "/bin/cat a;b ; no more\n   c # nor this\n; nor this\n   d")
    assert dict(translate(text).section("watcher:web").options)["cmd"] == "/bin/cat a;b c d"


def test_what_has_no_counterpart_is_told_with_its_line() -> None:
    draft = translate(program("stdout_events_enabled=true\nserverurl=AUTO") + "[eventlistener:x]\n")
    told = {(each.where.line, each.text) for each in draft.all_remarks() if each.text}
    assert told == {
        (5, "stdout_events_enabled = true"),
        (7, "[eventlistener:x]"),
    }
    text = draft.render("heading")
    assert "# supervisord.conf:5: stdout_events_enabled = true\n#   " in text


@pytest.mark.parametrize(
    ("lines", "line", "option"),
    [
        ("numprocs=many", 5, "numprocs"),
        ("stopsignal=NOPE", 5, "stopsignal"),
        ("\nautorestart=perhaps", 6, "autorestart"),
        ("stdout_logfile=/l\nstdout_logfile_maxbytes=1XB", 6, "stdout_logfile_maxbytes"),
        ("environment=A", 5, "environment"),
        ("directory=100%", 5, "directory"),
        ("directory=%(nonsense)s", 5, "directory"),
    ],
)
def test_a_mistake_has_file_and_line(lines: str, line: int, option: str) -> None:
    problems = Problems()
    translate(program(lines), problems)
    assert {(each.file, each.line, each.option) for each in problems.mistakes} == {
        ("/srv/supervisord.conf", line, option)
    }


def test_a_file_without_programs_is_refused() -> None:
    problems = Problems()
    translate("[supervisord]\n", problems)
    assert "nothing to run" in problems.mistakes[0].message


def test_supervisord_itself(tmp_path: Path) -> None:
    text = (
        "[supervisord]\nidentifier=shop\npidfile=/run/s.pid\nloglevel=warn\nminfds=4096\nuser=www\nstrip_ansi=1\n"
        "[program:web]\ncommand=x\nautorestart=true\n"
    )
    draft = translate(text)
    circus = draft.section("circus")
    assert dict(circus.options) == {
        "name": "shop",
        "pidfile": "/run/s.pid",
        "loglevel": "warning",
        "umask": "022",
    }
    assert dict(draft.section("watcher:web").options)["rlimit_nofile"] == "4096"
    assert {each.text.partition(" ")[0] for each in circus.remarks} == {
        "[supervisord]",
        "user",
        "strip_ansi",
        "minfds",
    }
    assert paste(tmp_path, draft.render("x")).circus.umask == 0o022
