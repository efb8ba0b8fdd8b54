"""What is printed of a stack: the order of start, hidden passwords, the generated reference page, targets."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from circus_stack.config.masking import mask_command, mask_urls, mask_words
from circus_stack.config.option import Change, changes_of, composites_of, options_of
from circus_stack.config.reference import render_reference
from circus_stack.config.render import render
from circus_stack.config.schema import CircusConfig, SocketConfig, WatcherConfig
from circus_stack.config.server_schema import ServerConfig
from circus_stack.config.spec import FileTarget, parse_target
from circus_stack.config.start_order import start_waves
from tests.unit.config.stacks import APP, circus, paste

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "options.md"


def test_the_reference_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == render_reference(), "python -m circus_stack.config.reference"


@pytest.mark.parametrize("record", [CircusConfig, SocketConfig, WatcherConfig, ServerConfig])
def test_every_option_is_declared_whole(record: type) -> None:
    names = [name for each in options_of(record) for name in (each.name, *each.aliases)]
    assert len(names) == len(set(names))
    for each in (*options_of(record), *composites_of(record)):
        assert each.help.endswith(".")
        assert isinstance(changes_of(record)[each.name], Change)


def test_defaults_are_legal_values() -> None:
    for record in (CircusConfig, SocketConfig, WatcherConfig, ServerConfig):
        for each in options_of(record):
            if isinstance(each.default, (int, float, str)) and each.default != "":
                text = f"{each.default:o}" if each.kind.name == "file mode" else str(each.default)
                assert each.kind.parse(text) == each.default


def test_what_starts_when(tmp_path: Path) -> None:
    stack = circus(
        tmp_path,
        """
        [watcher:late]
        cmd = x
        [watcher:needed]
        cmd = x
        [watcher:first]
        cmd = x
        priority = 10
        depends_on = needed
        [watcher:middle]
        cmd = x
        priority = 5
        """,
    )
    assert start_waves(stack) == (("needed",), ("first",), ("middle",), ("late",))


def test_services_start_before_who_depends_on_them(tmp_path: Path) -> None:
    assert start_waves(paste(tmp_path, f"{APP}[service:redis]\n")) == (("redis",), ("web",))


def test_an_optional_service_that_is_missing_does_not_start(tmp_path: Path) -> None:
    stack = paste(tmp_path, f"{APP}[service:redis]\n[service:solr]\noptional = yes\n")
    composed = dataclasses.replace(stack, watchers=(WatcherConfig(name="redis", cmd="redis-server"), *stack.watchers))
    assert start_waves(composed) == (("redis",), ("web",))


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("redis://:secret@h:1/0", "redis://:***@h:1/0"),
        ("x --db=postgresql+psycopg://u:p%40ss@h/d y", "x --db=postgresql+psycopg://u:***@h/d y"),
        ("http://h:80/a@b", "http://h:80/a@b"),
        ("no url at all: a@b", "no url at all: a@b"),
    ],
)
def test_passwords_of_urls_are_hidden(text: str, masked: str) -> None:
    assert mask_urls(text) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ('--token "a b" --port 5', "--token *** --port 5"),
        ("--password=a\\'b -v", "--password=*** -v"),
        ("env PGPASSWORD=a sleep 1", "env PGPASSWORD=*** sleep 1"),
        ("DB_PASSWORD='a b' x --api-key \"k l\"", "DB_PASSWORD=*** x --api-key ***"),
        ("redis-server --requirepass a --dbfilename b", "redis-server --requirepass *** --dbfilename b"),
        ("monkey=3 --workers 4 a@b", "monkey=3 --workers 4 a@b"),
    ],
)
def test_what_flags_and_variables_of_secrets_are_given_is_hidden(text: str, masked: str) -> None:
    assert mask_command(text) == masked


def test_the_word_behind_a_secrets_flag_is_hidden() -> None:
    words = ["prog", "--token", "a b", "--password", "--x", "TOKEN=1", "-v", "c"]
    assert mask_words(words) == ["prog", "--token", "***", "--password", "***", "TOKEN=***", "-v", "c"]


@pytest.mark.parametrize("text", ["-" * 60_000, "--pass" * 10_000, "auth" * 15_000, "--key " + '"a' * 30_000])
def test_masking_takes_time_by_the_length_alone(text: str) -> None:
    # It would be minutes, were a pattern to try each length at each place.
    assert len(mask_command(text)) <= len(text) + 3


def test_the_environment_is_shown_by_name_only(tmp_path: Path) -> None:
    text = render(paste(tmp_path, f"{APP}[env]\nTOKEN = hidden\n"))
    assert "TOKEN" in text
    assert "hidden" not in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("app.ini", FileTarget(Path("app.ini"))),
        ("app.ini#x", FileTarget(Path("app.ini"), "x")),
        ("config:etc/app.ini?a=1&b=%20", FileTarget(Path("etc/app.ini"), None, {"a": "1", "b": " "})),
        ("paste:app?a=1#x", FileTarget(Path("app"), "x", {"a": "1"})),
        ("app.ini#x?a=1", FileTarget(Path("app.ini"), "x", {"a": "1"})),
        ("mod:app", None),
        ("pkg.mod:make()", None),
        ("pkg.app", None),
    ],
)
def test_what_a_command_line_means(text: str, expected: FileTarget | None) -> None:
    assert parse_target(text) == expected


def test_a_file_that_exists_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "odd#name"
    path.touch()
    assert parse_target(str(path)) == FileTarget(path)
