"""Whatever a file holds, the readers of ini files end in a stack or in mistakes: no other exception, and no hang."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from circus_stack.config.diff import diff
from circus_stack.config.load import detect_kind, load_circus, load_stack
from circus_stack.config.option import spellings
from circus_stack.config.plugin_watcher import plugin_watcher
from circus_stack.config.render import render
from circus_stack.config.runtime import merge_runtime
from circus_stack.config.saving import Saved, save_changes
from circus_stack.config.schema import CircusConfig, SocketConfig, StackConfig, WatcherConfig
from circus_stack.errors import ConfigError
from circus_stack.services import KINDS
from tests.golden.cases import HERE
from tests.unit.config.stacks import APP, MACHINE

# A file is read in milliseconds; one that needs so long hangs.
_DEADLINE_MS = 20_000
_SETTINGS = settings(
    max_examples=150, deadline=_DEADLINE_MS, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
_ENVIRON = {"X": "50%", "PATH": os.defpath}

_TITLE_WORDS = """
DEFAULT app:main composite:main pipeline:main filter:f filter-app:main server:main server circus watcher:web watcher:a
watcher: socket:s socket:web service:redis service env env:a,* plugin:p plugin: loggers handlers logger_root
"""
_KEY_WORDS = """
use pipeline next filter-with paste.app_factory require listen host port backend workers threads unix_socket app
cmd args numprocesses singleton depends_on use_sockets ready stop_signal env stdout_stream.class stdout_stream.filename
endpoint check_delay umask path family backlog kind optional maxmemory keys level handlers / /x rlimit_x PATH
rlimit_nofile hooks.before_start hooks. stdout_stream. stdin_socket on_demand include include_dir so_reuseport
"""
_TITLES = _TITLE_WORDS.split()
_KEYS = [
    *_KEY_WORDS.split(),
    *spellings(CircusConfig),
    *spellings(SocketConfig),
    *spellings(WatcherConfig),
    "set a",
    "get b",
]
_VALUES = """
|main|f|egg:shop|egg:|call:|call:x:y|config:|config:app.ini|config:app.ini#main|egg:gunicorn|egg:waitress#main|http://x
egg:circus-stack|yes|0|-1|9999999|auto|a|web a|redis|tcp:127.0.0.1:8080|http://[|%(here)s|%(nope)s|%|%%|%(|${X}|$X|$(circus.env.X)
$(circus.sockets.s)|((circus.wid))|unix:|unix:/x|*:80 [::1]:80|[|'|"|python 'x|SIGTERM|\u2028|\x1c|é|x=y,z|=,
:::|a.b,True|1:2|circus.plugins.flapping.Flapping|*.ini|app.ini|/|~|-2|1e999|nan|udp://237.1.1.1:9|syslog://x:y|$(circus.env.A)$(|0777
"""
_LINES = st.one_of(
    st.sampled_from(_TITLES).map(lambda title: f"[{title}]"),
    st.builds(
        lambda key, sign, value: f"{key}{sign}{value}",
        st.sampled_from(_KEYS),
        st.sampled_from([" = ", "=", ": ", " =\n  "]),
        st.sampled_from(_VALUES.replace("\n", "|").split("|")) | st.text(max_size=8),
    ),
    st.text(max_size=12),
    st.just("  continued"),
)


_GOLDEN = sorted(HERE.glob("*/*.ini"))
_SNIPPETS = [
    "[",
    "]",
    "=",
    ":",
    ";",
    "#",
    "%",
    "%(",
    "$(",
    "((",
    "\n",
    "\n ",
    "\t",
    "\r",
    '"',
    "'",
    ",",
    "\\",
    "é",
    "\x85",
    "-1",
]


@_SETTINGS
@given(lines=st.lists(_LINES, max_size=25), starts_with_app=st.booleans())
def test_no_lines_make_anything_but_a_stack_or_mistakes(lines: list[str], starts_with_app: bool) -> None:
    _read_all((APP if starts_with_app else "") + "\n".join(lines))


@_SETTINGS
@given(text=st.text(max_size=400) | st.binary(max_size=400).map(lambda raw: raw.decode("latin-1")))
def test_no_text_makes_anything_but_a_stack_or_mistakes(text: str) -> None:
    _read_all(text)


@_SETTINGS
@given(
    path=st.sampled_from(_GOLDEN),
    edits=st.lists(
        st.tuples(st.floats(0, 1), st.integers(0, 30), st.sampled_from(_SNIPPETS) | _LINES), min_size=1, max_size=8
    ),
)
def test_no_damaged_file_makes_anything_but_a_stack_or_mistakes(
    path: Path, edits: list[tuple[float, int, str]]
) -> None:
    text = path.read_text(encoding="utf-8")
    for place, removed, added in edits:
        at = int(place * len(text))
        text = text[:at] + added + text[at + removed :]
    _read_all(text)


def _read_all(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "app.ini"
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        detect_kind(path)
        _judge(lambda: load_stack(path, environ=_ENVIRON, service_kinds=KINDS, machine=MACHINE))
        _judge(lambda: load_circus(path, environ=_ENVIRON))


def _judge(read: Callable[[], StackConfig]) -> None:
    """What is read is the same the next time, and all that is made of it without starting anything can be made."""
    try:
        stack = read()
    except ConfigError as error:
        assert error.problems
        assert str(error)
        return
    assert render(stack)
    again = read()
    assert (diff(stack, again).lines(), again) == ((), stack)
    for plugin in stack.plugins:
        assert plugin_watcher(plugin, stack.circus).cmd
    for watcher in stack.watchers:
        assert merge_runtime(watcher, watcher, watcher) == watcher
    texts = {path: Path(path).read_bytes().decode() for path in stack.files}
    assert save_changes(texts, stack, stack.watchers) == Saved()
    _save_a_change(stack, texts)


def _save_a_change(stack: StackConfig, texts: dict[str, str]) -> None:
    """A change is written, or it is told why not."""
    if not stack.watchers:
        return
    first, *others = stack.watchers
    changed = WatcherConfig(name="new", cmd="cat 'a b'", numprocesses=3)
    saved = save_changes(texts, stack, [*others, changed])
    # Beside the two changes it may be told what a watcher gets from [env] at the next start.
    unsaved = [each for each in saved.unsaved if "is set in [env]" not in each]
    assert len(saved.changes) + len(unsaved) == 2
    assert first.name
