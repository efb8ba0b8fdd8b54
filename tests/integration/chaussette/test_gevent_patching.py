"""The patches of the gevent backends: ssl with its import, plugins only where there are some. Each in a new process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from chaussette.backends.gevent_patching import has_plugins
from tests.support.waiting import PATIENCE_S

PATCH = "import sys\nfrom chaussette.backends.gevent_patching import patch_all\n"
IS_PATCHED = """
import ssl, gevent.ssl
from gevent import monkey
assert ssl.SSLContext is gevent.ssl.SSLContext, ssl.SSLContext
assert monkey.is_module_patched("ssl")
assert not any("Ssl" in type(each).__name__ for each in sys.meta_path), sys.meta_path
"""
PLUGIN = """
calls = []


def told(event):
    calls.append(type(event).__name__)
"""


def run(script: str, path: Path | None = None) -> None:
    """A warning is an error, as for an application that has said so."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], env={"PYTHONPATH": str(path or "")}, capture_output=True,
        text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_what_nobody_uses_is_not_imported() -> None:
    run(PATCH + "patch_all()\nassert not {'ssl', '_ssl', 'importlib.metadata', 'ctypes'} & sys.modules.keys()")


@pytest.mark.parametrize(
    "user", ["import http.client", "from ssl import SSLSocket", "import importlib as i; i.import_module('ssl')"]
)
def test_ssl_is_patched_with_its_import(user: str) -> None:
    run(f"{PATCH}patch_all()\n{user}\n{IS_PATCHED}import inspect; assert inspect.getsource(ssl.create_default_context)")


def test_to_look_for_ssl_is_not_to_import_it() -> None:
    run(
        f"{PATCH}patch_all()\nimport importlib.util\nassert importlib.util.find_spec('ssl').origin.endswith('ssl.py')\n"
        f"assert 'ssl' not in sys.modules\nimport ssl\n{IS_PATCHED}"
    )


def test_ssl_that_is_there_is_patched_at_once() -> None:
    run(f"import ssl\n{PATCH}patch_all()\n{IS_PATCHED}")


def test_the_application_may_patch_again() -> None:
    run(f"{PATCH}patch_all()\nfrom gevent import monkey\nmonkey.patch_all()\nimport ssl\n{IS_PATCHED}")


def test_a_plugin_is_told(tmp_path: Path) -> None:
    (tmp_path / "told_plugin.py").write_text(PLUGIN)
    info = tmp_path / "told-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: told\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[gevent.plugins.monkey.will_patch_module]\ntold = told_plugin:told\n")
    assert has_plugins([str(tmp_path)])
    run(
        f"{PATCH}patch_all()\nimport told_plugin\nassert 'GeventWillPatchModuleEvent' in told_plugin.calls\n"
        f"before = len(told_plugin.calls)\nimport ssl\n{IS_PATCHED}assert len(told_plugin.calls) > before",
        tmp_path,
    )


def test_what_may_hide_plugins_counts_as_one(tmp_path: Path) -> None:
    (tmp_path / "quiet-1.dist-info").mkdir()
    (tmp_path / "gevent-1.dist-info").mkdir()
    (tmp_path / "gevent-1.dist-info" / "entry_points.txt").write_text("[gevent.plugins.monkey.will_patch_all]\na=b:c\n")
    assert not has_plugins([str(tmp_path), str(tmp_path / "missing.zip")])
    (tmp_path / "packed-1.egg").write_bytes(b"PK")
    assert has_plugins([str(tmp_path)])
    assert has_plugins([str(tmp_path / "packed-1.egg")])
