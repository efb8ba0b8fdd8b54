"""Virtual environments for the contestants that are not ours: each its own, made once, kept in the user's cache."""

from __future__ import annotations

import compileall
import functools
import hashlib
import importlib.util
import json
import os
import re
import shutil
import site
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_PATIENCE_S = 600.0
# Counts up with what is made of the same requirements.
_LAYOUT = "2"
# The environment that runs the suite has its programs here.
OURS = Path(sys.executable).parent
_OF_DISTRIBUTIONS = (
    "import importlib.metadata, json, sys; "
    "print(json.dumps({name: importlib.metadata.version(name) for name in sys.argv[1:]}))"
)


class PeerError(Exception):
    """It could not be made; the text ends with pip's own words."""


def cache_directory(environ: Mapping[str, str]) -> Path:
    """Where they stand."""
    return Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "circus-stack" / "bench"


def place_of(requirements: Sequence[str], cache: Path) -> Path:
    """One directory for each list of requirements and each interpreter."""
    key = "\n".join([_LAYOUT, sys.version, sys.base_prefix, *requirements])
    return cache / f"{re.split(r'[^a-z]', requirements[0])[0]}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"


def ensure(requirements: Sequence[str], cache: Path) -> Path:
    """Its directory of programs; made where it is missing, which takes network. PeerError where that fails."""
    place = place_of(requirements, cache)
    if not (place / "made").exists():
        _make(place, requirements)
    return place / "bin"


def _make(place: Path, requirements: Sequence[str]) -> None:
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    _run([sys.executable, "-m", "venv", str(place)])
    python = str(place / "bin" / "python")
    _run([python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", *requirements])
    lend_packages(place)
    (place / "made").write_text("\n".join(requirements) + "\n")


@functools.cache
def compile_ours() -> None:
    """As pip does with what it installs: our own packages may stand in a checkout, without bytecode."""
    for name in ("circus_stack", "chaussette"):
        spec = importlib.util.find_spec(name)
        for place in (spec.submodule_search_locations or ()) if spec else ():
            compileall.compile_dir(place, quiet=2)


def packages_of(programs: Path) -> list[str]:
    """Where the packages of a contestant's own environment are; nothing for ours. pyuwsgi, which starts itself anew to
    reload, forgets that its interpreter was a virtual environment's."""
    return [] if programs == OURS else [str(each) for each in programs.parent.glob("lib/python3*/site-packages")]


def lend_packages(place: Path) -> None:
    """The user's application imports what stands beside us; what the contestant brings itself comes first."""
    [packages] = place.glob("lib/python3*/site-packages")
    mine = [each for each in site.getsitepackages() if Path(each).is_dir()]
    # A comprehension would not see the name: `site` runs such a line as if in a class.
    (packages / "zz_lent.pth").write_text(f"import site; list(map(site.addsitedir, {mine!r}))\n")


def _run(argv: Sequence[str]) -> None:
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=_PATIENCE_S, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PeerError(str(error)) from None
    if done.returncode:
        words = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise PeerError("\n".join(words[-8:]))


def versions(bin_directory: Path, distributions: Sequence[str]) -> dict[str, str]:
    """Of what is installed there. PeerError where one is not."""
    argv = [str(bin_directory / "python"), "-c", _OF_DISTRIBUTIONS, *distributions]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60.0, env=_bare())
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PeerError(str(error)) from None
    if done.returncode:
        raise PeerError((done.stderr.strip().splitlines() or ["?"])[-1])
    found: dict[str, str] = json.loads(done.stdout)
    return found


def _bare() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
