"""`set`, `add` and a reload after them: every declared option applies, or is refused with what would be legal."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circus_stack.config import kinds
from circus_stack.config.dialect import CIRCUS, PASTE
from circus_stack.config.option import Option, composites_of, options_of
from circus_stack.config.option_text import option_text
from circus_stack.config.runtime import change_option, check_change, merge_runtime, watcher_from_options
from circus_stack.config.scale_kinds import CONDITION, SCALE_RANGE
from circus_stack.config.schema import CircusConfig, ServiceConfig, SocketConfig, SourceKind, StackConfig, WatcherConfig
from circus_stack.config.values import HookConfig, Readiness, ReadinessForm, ReloadMode, StreamConfig
from circus_stack.errors import UnknownOptionError

# One value of each kind as a person writes it, the same as JSON has it, and one that is refused; None: nothing is.
_SAMPLES: dict[str, tuple[str, object, object]] = {
    kinds.TEXT.name: ("sleep 1", ["sleep", "1"], "NUL\0"),
    kinds.BOOL.name: ("yes", True, "perhaps"),
    kinds.COUNT.name: ("3", 3, -1),
    kinds.BOUND.name: ("3", 3, 0),
    SCALE_RANGE.name: ("2 .. 16", "2..16", "16..2"),
    CONDITION.name: ("CPU>70 percent", "cpu > 70%", "cpu > 70"),
    kinds.PROCESSES.name: ("3", 3.0, 10_001),
    kinds.RETRIES.name: ("-1", -1, "-2"),
    kinds.INT.name: ("-7", -7, "1.5"),
    kinds.SECONDS.name: ("2.5", 2.5, "soon"),
    kinds.FACTOR.name: ("2.5", 2.5, "0.5"),
    kinds.FRACTION.name: ("0.5", 0.5, 2),
    kinds.MEMORY.name: ("512M", 512 * 1024**2, "lots"),
    kinds.MEMORY_KIND.name: ("RSS", "rss", "uss"),
    kinds.INTERVAL.name: ("2.5", 2.5, 0),
    kinds.NICENESS.name: ("-5", -5, 20),
    kinds.IO_CLASS.name: ("Best-Effort:7", "best-effort:7", "idle:1"),
    kinds.OOM_SCORE.name: ("500", 500, -1001),
    kinds.CPUS.name: ("0-2, 5", [0, 1, 2, 5], "3-1"),
    kinds.EXIT_CODES.name: ("3, 0", [0, 3], "256"),
    kinds.SIGNAL.name: ("SIGINT", 2, "SIGNONE"),
    kinds.WORDS.name: ("redis, solr", ["redis", "solr"], {"redis": 1}),
    kinds.FILES.name: ("-/a.env, /b.env", ["-/a.env", "/b.env"], {"/a.env": 1}),
    kinds.OFFER.name: ("web, admin", ["web", "admin"], 1.5j),
    kinds.USER.name: ("33", 33, True),
    kinds.GROUP.name: ("0", 0, 2**40),
    kinds.READINESS.name: ("tcp:127.0.0.1:80", "tcp:127.0.0.1:80", "udp:1"),
    kinds.HEALTH.name: ("http://127.0.0.1:80/alive", "http:http://127.0.0.1:80/alive", "delay:1"),
    kinds.HEALTH_SCOPE.name: ("process", "process", "stack"),
    kinds.CPU_SHARE.name: ("1.5", 1.5, "-1"),
    kinds.KILL_MODE.name: ("group", "group", "some"),
    kinds.SCHEDULE.name: ("*/5  * * * mon", "*/5 * * * mon", "61 * * * *"),
    kinds.ZONE.name: ("Europe/Berlin", "Europe/Berlin", "Mars/Olympus"),
    kinds.OVERLAP.name: ("Queue", "queue", "allow"),
    kinds.RELOAD_MODE.name: ("restart", "restart", "sometimes"),
}
_OPTIONS = list(options_of(WatcherConfig))
# So that no option contradicts another of the sample.
_BASE = WatcherConfig(name="w", cmd="chaussette app:app", copy_env=True, virtualenv="/srv/venv", use_sockets=True)


@pytest.mark.parametrize("option", _OPTIONS, ids=lambda option: option.name)
def test_every_option_applies_as_text_and_as_json(option: Option) -> None:
    text, value, _ = _SAMPLES[option.kind.name]
    for name in (option.name, *option.aliases):
        changed = change_option(_BASE, name, text)
        assert getattr(changed, option.name) == option.kind.parse(text)
        assert change_option(_BASE, name, value) == changed


@pytest.mark.parametrize("option", _OPTIONS, ids=lambda option: option.name)
def test_every_option_refuses_a_bad_value_and_says_what_is_legal(option: Option) -> None:
    with pytest.raises(ValueError, match=rf"^{option.name}: .* is not a valid .*; legal: \S"):
        change_option(_BASE, option.name, _SAMPLES[option.kind.name][2])


@pytest.mark.parametrize("option", _OPTIONS, ids=lambda option: option.name)
def test_nothing_is_the_default(option: Option) -> None:
    if option.name != "cmd":
        base = dataclasses.replace(_BASE, virtualenv=None, copy_path=False)
        assert getattr(change_option(base, option.name, None), option.name) == option.default


def test_every_composite_can_be_changed() -> None:
    samples = {
        "stdout_stream": (
            "stdout_stream.filename",
            "/var/log/w.log",
            StreamConfig("FileStream", {"filename": "/var/log/w.log"}),
        ),
        "stderr_stream": ("stderr_stream.class", "StdoutStream", StreamConfig("StdoutStream")),
        "rlimits": ("rlimit_nofile", "500:1000", {"nofile": (500, 1000)}),
        "hooks": ("hooks.before_start", "my.hook,yes", {"before_start": HookConfig("my.hook", True)}),
        "env_secrets": ("env.PASSWORD_file", "/run/secrets/db", {"PASSWORD": "/run/secrets/db"}),
        "env": ("env", "A=1,B=2", {"A": "1", "B": "2"}),
    }
    assert set(samples) == {each.name for each in composites_of(WatcherConfig)}
    for field, (key, value, expected) in samples.items():
        assert getattr(change_option(_BASE, key, value), field) == expected


def test_a_python_program_may_give_a_stream_itself() -> None:
    sink = print
    watcher = watcher_from_options("w", "cat", "", {"stdout_stream": {"stream": sink}}, CIRCUS)
    assert watcher.stdout_stream == StreamConfig(options={"stream": sink})  # type: ignore[dict-item]


def test_hooks_come_in_circus_forms() -> None:
    one = change_option(_BASE, "hooks", "before_start:a.b,after_stop:c.d")
    assert one.hooks == {"before_start": HookConfig("a.b"), "after_stop": HookConfig("c.d")}
    other = change_option(_BASE, "hooks", {"before_start": ["a.b", True], "after_stop": ["c.d"]})
    assert other.hooks == {"before_start": HookConfig("a.b", True), "after_stop": HookConfig("c.d")}
    assert change_option(one, "hooks.after_stop", "").hooks == {"before_start": HookConfig("a.b")}


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("hooks.before_strat", "a.b", "did you mean 'hooks.before_start'"),
        ("hooks.before_start", "callable", "is not a valid hook; legal: MODULE.CALLABLE"),
        ("hooks", "before_start", "legal: NAME:MODULE.CALLABLE"),
        ("rlimit_nofiles", 5, "did you mean 'rlimit_nofile'"),
        ("rlimit_nofile", "many", "legal: a whole number"),
        ("rlimit_nofile", "10:5", "legal: a whole number"),
        ("env", "A", "legal: NAME=VALUE"),
        ("env", {"A": {}}, "legal: a text, a number or a boolean"),
        ("stdout_stream.color", "red", "set its class, or its filename, first"),
        ("stdout_stream", {"color": "red"}, "legal: a mapping with class"),
        ("cmd", "", "has no command"),
        ("cmd", True, "legal: any text"),
        ("numprocesses", {}, "is not a valid value"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(key: str, value: object, said: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        change_option(_BASE, key, value)
    assert said in str(refused.value)


def test_a_change_that_contradicts_another_option_is_refused() -> None:
    single = WatcherConfig(name="w", cmd="cat", singleton=True)
    with pytest.raises(ValueError, match=r"more than a singleton has.*legal: 0 or 1"):
        change_option(single, "numprocesses", 2)
    with pytest.raises(ValueError, match="needs copy_env"):
        change_option(single, "copy_path", True)
    with pytest.raises(ValueError, match="cannot be split into words: no closing quotation"):
        change_option(single, "cmd", "echo 'open")


def test_an_unknown_key_is_refused_and_a_free_form_one_that_is_there_applies() -> None:
    watcher = WatcherConfig(name="w", cmd="cat", extra={"flapping.window": "1"})
    assert change_option(watcher, "flapping.window", 7).extra == {"flapping.window": "7"}
    with pytest.raises(UnknownOptionError, match="unknown key 'numproceses'; did you mean 'numprocesses'"):
        change_option(watcher, "numproceses", 2)
    with pytest.raises(UnknownOptionError):
        change_option(watcher, "executable", "python")


def test_send_hup_and_reload_mode_say_the_same() -> None:
    hup = change_option(_BASE, "send_hup", True)
    assert (hup.send_hup, hup.reload_mode) == (True, ReloadMode.HUP)
    assert change_option(hup, "reload_mode", "restart").send_hup is False
    assert change_option(hup, "send_hup", False).reload_mode is ReloadMode.ROLLING
    restart = change_option(_BASE, "reload_mode", "restart")
    assert change_option(restart, "send_hup", False) == restart


def test_a_new_watcher_has_the_defaults_of_its_dialect() -> None:
    options = {
        "numprocesses": 2,
        "rlimit_nofile": 64,
        "hooks": {"before_start": ["a.b", False]},
        "stdout_stream": {"class": "StdoutStream"},
        "env": {"A": 1},
        "flapping.window": 3,
        "executable": "python",
        "shell_args": None,
    }
    watcher = watcher_from_options("new", "sleep", ["1", "a b"], options, CIRCUS)
    assert watcher == WatcherConfig(
        name="new",
        cmd="sleep",
        args="1 'a b'",
        numprocesses=2,
        rlimits={"nofile": (64, 64)},
        hooks={"before_start": HookConfig("a.b")},
        stdout_stream=StreamConfig("StdoutStream"),
        env={"A": "1"},
        extra={"flapping.window": "3"},
    )
    assert watcher_from_options("new", "sleep 1", None, {}, PASTE).copy_env is True
    assert watcher_from_options("new", "sleep 1", None, {"copy_env": False}, PASTE).copy_env is False
    with pytest.raises(UnknownOptionError, match="numprocesses"):
        watcher_from_options("new", "sleep", None, {"numproceses": 2}, PASTE)
    with pytest.raises(ValueError, match="not a valid name"):
        watcher_from_options("a\nb", "sleep", None, {}, CIRCUS)


def test_a_new_watcher_that_runs_our_chaussette_is_waited_for() -> None:
    assert watcher_from_options("w", "chaussette --port 80 app", "", {}, CIRCUS).ready.form is ReadinessForm.NOTIFY
    explicit = watcher_from_options("w", "chaussette --port 80 app", "", {"ready": "none"}, CIRCUS)
    assert explicit.ready == Readiness()


def test_a_change_is_checked_against_the_rest_of_the_stack() -> None:
    other = WatcherConfig(name="other", cmd="cat", depends_on=("w",))
    watcher = WatcherConfig(name="w", cmd="cat")
    socket = SocketConfig(name="web")
    stack = StackConfig(
        source="", kind=SourceKind.CIRCUS, circus=CircusConfig(), sockets=(socket,), watchers=(watcher, other)
    )
    check_change(stack, dataclasses.replace(watcher, numprocesses=4))
    with pytest.raises(ValueError, match="is a ring"):
        check_change(stack, dataclasses.replace(watcher, depends_on=("other",)))
    with pytest.raises(ValueError, match="did you mean 'web'"):
        check_change(stack, dataclasses.replace(watcher, cmd="x $(circus.sockets.wbe)", use_sockets=True))


def test_a_service_that_has_become_a_watcher_is_no_second_one() -> None:
    service = ServiceConfig(name="redis", kind="redis", options=None)
    redis, shop = WatcherConfig(name="redis", cmd="redis-server"), WatcherConfig(name="shop", cmd="cat")
    stack = StackConfig(
        source="", kind=SourceKind.PASTE, circus=CircusConfig(), watchers=(redis, shop), services=(service,)
    )
    check_change(stack, dataclasses.replace(redis, priority=3))
    check_change(stack, dataclasses.replace(shop, depends_on=("redis",)))
    uncomposed = dataclasses.replace(stack, watchers=(shop,))
    check_change(uncomposed, dataclasses.replace(shop, depends_on=("redis",)))


def test_a_reload_keeps_what_an_operator_changed_unless_the_file_changed_it_too() -> None:
    before = WatcherConfig(name="w", cmd="cat", numprocesses=1, env={"A": "1", "B": "1", "C": "1"}, priority=1)
    running = dataclasses.replace(before, numprocesses=5, priority=2, env={"A": "2", "C": "1", "D": "1"})
    now = dataclasses.replace(before, cmd="tac", priority=3, env={"A": "1", "B": "1", "C": "3", "E": "1"})
    assert merge_runtime(before, running, now) == WatcherConfig(
        name="w", cmd="tac", numprocesses=5, priority=3, env={"A": "2", "C": "3", "D": "1", "E": "1"}
    )
    assert merge_runtime(before, before, now) == now
    assert merge_runtime(now, running, now) == running


def test_a_merge_leaves_no_contradiction_of_send_hup() -> None:
    before = WatcherConfig(name="w", cmd="cat")
    running = change_option(before, "send_hup", True)
    now = change_option(before, "reload_mode", "restart")
    assert merge_runtime(before, running, before) == running
    assert merge_runtime(before, running, now) == now


_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
_JSON = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
_KEYS = [
    *(option.name for option in _OPTIONS),
    *("env", "hooks", "hooks.before_start", "rlimits", "rlimit_nofile", "rlimit_", "hooks.", "stdout_stream"),
    *("stdout_stream.class", "stderr_stream.", "stdout_stream.filename", "flapping.window", "name", ""),
]


@settings(max_examples=300, deadline=None)
@given(key=st.sampled_from(_KEYS) | st.text(max_size=8), value=_JSON)
def test_whatever_is_set_applies_or_is_refused_in_words(key: str, value: object) -> None:
    base = dataclasses.replace(_BASE, extra={"flapping.window": "1"})
    try:
        changed = change_option(base, key, value)
    except (ValueError, UnknownOptionError) as error:
        assert str(error)
        return
    assert isinstance(changed, WatcherConfig)
    assert hash(str(changed))
    for option in _OPTIONS:
        assert option_text(option, getattr(changed, option.name)) is not None


@settings(max_examples=100, deadline=None)
@given(
    options=st.dictionaries(st.sampled_from(_KEYS) | st.text(max_size=8), _JSON, max_size=4), name=st.text(max_size=8)
)
def test_whatever_is_added_is_a_watcher_or_is_refused_in_words(options: dict[str, object], name: str) -> None:
    for dialect in (CIRCUS, PASTE):
        try:
            assert watcher_from_options(name, "cat", None, options, dialect).name == name
        except (ValueError, UnknownOptionError) as error:
            assert str(error)
