"""`circus` as another name of our modules, and of an installed Circus where there is one."""

from __future__ import annotations

from pathlib import Path

import pytest

from circus_stack.api import alias
from tests.integration.api.programs import output_of

ROOT = Path(__file__).parents[3]
INSTALL = "from circus_stack.api import alias; alias.install(); alias.install()\n"


def run(program: str, *path: Path) -> str:
    """What a program of its own prints: the import system of this one stays as it is."""
    return output_of(INSTALL + program, env={"PYTHONPATH": ":".join(str(each) for each in (*path, ROOT))})


@pytest.mark.parametrize(
    ("name", "real"),
    [
        ("circus", "circus_stack.api"),
        ("circus.arbiter", "circus_stack.api.arbiter"),
        ("circus.stats.client", "circus_stack.api.stats.client"),
        ("circus.util", "circus_stack.api.conversions"),
        ("circus.exc", "circus_stack.api.exceptions"),
        ("circus.plugins", "circus_stack.plugins"),
        ("circus.plugins.statsd", "circus_stack.plugins.statsd"),
        ("circus.stream", "circus_stack.api.stream"),
        ("circus.stream.file_stream", "circus_stack.api.stream"),
    ],
)
def test_real_names(name, real):
    assert alias.real_name(name) == real


def test_a_module_is_one_and_the_same_under_both_names():
    program = """
import circus, circus.plugins, circus_stack.plugins
from circus.plugins.flapping import Flapping
from circus_stack.plugins.flapping import Flapping as ours
from circus.client import CallError
from circus.exc import CallError as other
import circus_stack.errors, sys
assert Flapping is ours and circus.plugins is circus_stack.plugins
assert CallError is other is circus_stack.errors.CallError
print(circus.__spec__.name, Flapping.__module__, sum(type(f).__name__ == "AliasFinder" for f in sys.meta_path))
"""
    assert run(program) == "circus_stack.api circus_stack.plugins.flapping 1\n"


def test_everything_that_programs_import_is_there():
    program = """
from circus import __version__, get_arbiter, logger
from circus.arbiter import Arbiter, ThreadedArbiter
from circus.client import AsyncCircusClient, CircusClient, cast_message, make_json, make_message
from circus.consumer import CircusConsumer
from circus.exc import AlreadyExist, ArgumentError, CallError, MessageError
from circus.plugins.statsd import BaseObserver, FullStats, StatsdClient, StatsdEmitter
from circus.sockets import CircusSocket, CircusSockets
from circus.stream.file_stream import FileStream, TimedRotatingFileStream, WatchedFileStream
from circus.stats.client import StatsClient
from circus.stream import FancyStdoutStream, FileStream, QueueStream, StdoutStream, TimedRotatingFileStream
from circus.util import DEFAULT_ENDPOINT_DEALER, DEFAULT_ENDPOINT_SUB, DEFAULT_ENDPOINT_STATS
from circus.util import configure_logger, debuglog, human2bytes, resolve_name, to_bool, to_signum, to_str
from circus.watcher import Watcher
from circus.green import get_arbiter
from circus.green.client import CircusClient
from circus.green.consumer import CircusConsumer
print("all")
"""
    assert run(program) == "all\n"


def test_an_unknown_name_is_no_module():
    assert run("try: import circus.nothing\nexcept ModuleNotFoundError as error: print(error)") == (
        "No module named 'circus.nothing'\n"
    )


def test_a_plugin_imports_no_arbiter():
    program = "from circus import logger\nfrom circus.plugins import CircusPlugin\nimport sys\n"

    assert run(program + "print('circus_stack.daemon' in sys.modules)") == "False\n"


def test_an_installed_circus_wins(tmp_path):
    (tmp_path / "circus").mkdir()
    (tmp_path / "circus" / "__init__.py").write_text("name = 'installed'\n")
    program = """
import circus
print(circus.name)
try: import circus.plugins
except ModuleNotFoundError as error: print(error)
"""
    assert run(program, tmp_path) == "installed\nNo module named 'circus.plugins'\n"
