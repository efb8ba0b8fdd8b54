"""circusd's own log: what is refused before anything is started, and the thread that speaks to `logging`."""

from __future__ import annotations

import gc
import logging
import sys
from pathlib import Path

import pytest

from circus_stack.cli.garbage_log import watch_garbage
from circus_stack.cli.log_thread import LogThread
from circus_stack.cli.logger_config import configure_logging
from circus_stack.cli.own_log import LoggerVoice, level_of, open_own_log
from circus_stack.cli.starting import Start, start
from circus_stack.cli.syslog_output import SyslogAddress, parse_syslog
from circus_stack.cli.voice import Level
from circus_stack.config.schema import CircusConfig
from circus_stack.errors import CircusStackError, ConfigError

CIRCUS = CircusConfig()


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("log.txt", "", "must end in .ini, .json or .yaml"),
        ("log.json", "{", "Expecting property name"),
        ("log.json", "[]", "must hold a mapping at its top"),
        ("log.json", "{}", "doesn't specify a version"),
        ("log.yml", "version: 2", "Unsupported version"),
        ("log.yaml", "a: [", "while parsing a flow node"),
        ("log.ini", "no section", "File contains no section headers"),
        ("log.ini", "[loggers]\nkeys=root\n", "'formatters' is missing"),
    ],
)
def test_a_wrong_logger_configuration_is_told_with_its_file(tmp_path: Path, name: str, text: str, told: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError, match="the logger configuration") as caught:
        configure_logging(tmp_path / name)
    assert told in str(caught.value)
    assert name in str(caught.value)


def test_a_missing_file_and_a_missing_library_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        configure_logging(tmp_path / "log.json")
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(ConfigError, match="not installed: pip install PyYAML"):
        configure_logging(tmp_path / "log.yaml")


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("syslog://loghost:1514?local3", SyslogAddress(("loghost", 1514), "local3")),
        ("syslog://loghost", SyslogAddress(("loghost", 514), "user")),
        ("syslog://[::1]:514?mail", SyslogAddress(("::1", 514), "mail")),
        ("syslog:///dev/log?daemon", SyslogAddress("/dev/log", "daemon")),
    ],
)
def test_a_syslog_url_names_a_daemon_and_a_facility(url: str, found: SyslogAddress) -> None:
    assert parse_syslog(url) == found


@pytest.mark.parametrize("url", ["syslog://", "syslog://h:port", "syslog:///dev/log?nope", "syslog://?daemon"])
def test_what_is_no_syslog_url_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="is no address of a syslog daemon"):
        parse_syslog(url)


def test_a_log_file_that_cannot_be_written_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(CircusStackError, match="cannot write the log file"):
        open_own_log(CIRCUS, str(tmp_path / "missing" / "log"), None)
    assert open_own_log(CIRCUS, str(tmp_path / "log"), None) is None
    assert open_own_log(CIRCUS, "-", "default") is None


def test_debug_counts_more_than_the_log_level() -> None:
    assert level_of(CircusConfig(loglevel="error")) == "error"
    assert level_of(CircusConfig(loglevel="error", debug=True)) == "debug"


def test_messages_reach_the_handlers_in_order_and_from_the_threshold_on() -> None:
    heard: list[logging.LogRecord] = []
    thread = LogThread(heard.append)
    voice = LoggerVoice(thread, Level.INFO)
    voice.speak(Level.DEBUG, "too low")
    voice.good("up", event="x")
    voice.fail("down")
    thread.close()
    assert [(each.name, each.levelname, each.getMessage()) for each in heard] == [
        ("circus", "INFO", "up"),
        ("circus", "ERROR", "down"),
    ]


def test_a_thread_that_was_never_used_closes_at_once() -> None:
    LogThread(print).close()


def test_collections_of_the_oldest_generation_are_told_later(caplog: pytest.LogCaptureFixture) -> None:
    later: list[object] = []
    end = watch_garbage(later.append)
    try:
        gc.collect(0)
        assert later == []
        gc.collect()
    finally:
        end()
    with caplog.at_level(logging.INFO, "circus_stack"):
        for tell in later:
            tell()  # type: ignore[operator]
    assert "objects collected" in caplog.text


def test_a_program_that_has_loaded_gevent_does_not_go_into_the_background(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "gevent", sys)
    wanted = Start(source="x", read=lambda: pytest.fail("read"), rereads_on_hup=False, daemonize=True)
    assert start(wanted) == 1
    assert "gevent is loaded already" in capsys.readouterr().err
