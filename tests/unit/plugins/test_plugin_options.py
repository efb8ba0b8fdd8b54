"""A plugin's options: texts to values, and what is said about wrong ones."""

from __future__ import annotations

import signal

import pytest

from circus_stack.plugins.options import PluginConfigError, PluginOptions, parse_config, parse_signal, parse_size


def test_config_of_the_command_line_is_split_at_three_colons():
    assert parse_config("a:1:::url:redis://h:6379/0:::b: x y ") == {"a": "1", "url": "redis://h:6379/0", "b": "x y"}
    assert parse_config("") == {}


@pytest.mark.parametrize("text", ["a", "a:1:::b", ":1"])
def test_wrong_config_is_told(text):
    with pytest.raises(PluginConfigError, match="legal: KEY:VALUE:::KEY:VALUE"):
        parse_config(text)


@pytest.mark.parametrize(
    ("text", "size"), [("512", 512), ("1K", 1024), ("1.5M", 1572864), ("2 GiB", 2 << 30), ("300mb", 300 << 20)]
)
def test_sizes(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "M", "-1K", "1X", "nan", "1K2"])
def test_no_sizes(text):
    with pytest.raises(ValueError):
        parse_size(text)


def test_signals_have_names_and_numbers():
    assert [parse_signal(text) for text in ("15", "TERM", "sigusr1")] == [15, 15, signal.SIGUSR1]
    for text in ("FOO", "999", "_DFL", "SIG_DFL"):
        with pytest.raises(ValueError):
            parse_signal(text)


def test_what_is_not_set_is_the_default():
    options = PluginOptions("p", {"empty": ""})

    assert options.text("empty", "x") == "x"
    assert options.flag("a", True) is True
    assert options.whole("b", 3) == 3
    assert options.number("c", 1.5) == 1.5
    assert options.maybe_number("d") is None
    assert options.share_or_bytes("e") == (None, None)
    assert options.signal("f", None) is None


def test_percent_and_bytes():
    options = PluginOptions("p", {"a": "90", "b": "512M", "c": "12.5"})

    assert [options.share_or_bytes(key) for key in "abc"] == [(90.0, None), (None, 512 << 20), (12.5, None)]


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (lambda options: options.flag("k", True), "maybe"),
        (lambda options: options.whole("k", 1, least=1, most=65535), "70000"),
        (lambda options: options.whole("k", 1), "1.5"),
        (lambda options: options.number("k", 1, above=0), "0"),
        (lambda options: options.number("k", 1, above=0, most=1), "2"),
        (lambda options: options.number("k", 1), "nan"),
        (lambda options: options.maybe_number("k"), "-1"),
        (lambda options: options.share_or_bytes("k"), "many"),
        (lambda options: options.share_or_bytes("k"), "-5"),
        (lambda options: options.signal("k", None), "SIGNOT"),
        (lambda options: options.pattern("k", ".*"), "("),
        (lambda options: options.pattern("k", "(?P<pid>)", groups=("pid",)), "x"),
    ],
)
def test_wrong_values_are_told(read, text):
    with pytest.raises(PluginConfigError) as caught:
        read(PluginOptions("watchdog", {"k": text}))

    assert str(caught.value).startswith(f"watchdog: k: found {text!r}; legal: ")


def test_misspelt_keys_are_told_and_others_are_not():
    options = PluginOptions("p", {"loop_rat": "1", "active": "true", "numprocesses": "1", "anything": "x"})
    options.number("loop_rate", 60)

    assert options.misspelt() == ["p: loop_rat is no option of it; did you mean 'loop_rate'?"]
