"""Python itself, and the libraries that circus-stack cannot do without."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version

from circus_stack.cli.checkup.finding import Finding, Status
from circus_stack.cli.checkup.trial import try_python

_OLDEST = (3, 11)
# Distribution -> module: the dependencies of pyproject.toml, which a test holds it to.
REQUIRED = {
    "click": "click",
    "cronsim": "cronsim",
    "google-re2": "re2",
    "msgspec": "msgspec",
    "PasteDeploy": "paste.deploy",
    "psutil": "psutil",
    "python-dotenv": "dotenv",
    "pyzmq": "zmq",
    "rich": "rich",
    "setproctitle": "setproctitle",
    "watchfiles": "watchfiles",
}
# Each module is tried for itself, so that one that fails hides no other.
_IMPORT_EACH = """
import importlib, json, sys
found = {}
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
        found[name] = ""
    except Exception as error:
        found[name] = f"{type(error).__name__}: {error}"
print(json.dumps(found))
"""


def look_at_python() -> Iterator[Finding]:
    """The version and place of the interpreter."""
    is_old = sys.version_info[:2] < _OLDEST
    yield Finding(
        "python",
        platform.python_implementation(),
        Status.BROKEN if is_old else Status.OK,
        platform.python_version(),
        sys.executable,
        f"Python {_OLDEST[0]}.{_OLDEST[1]} or newer is needed" if is_old else "",
        is_required=True,
    )


def look_at_libraries(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Each required library: really imported."""
    errors, failure = try_python(_IMPORT_EACH, list(REQUIRED.values()), environ)
    for distribution, module in REQUIRED.items():
        error = failure or errors[module]
        yield Finding(
            "library",
            distribution,
            Status.BROKEN if error else Status.OK,
            installed_version(distribution),
            error,
            f"{sys.executable} -m pip install --force-reinstall {distribution}" if error else "",
            is_required=True,
        )


def installed_version(distribution: str) -> str:
    """The version of an installed distribution, or an empty text."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""
