"""The site-packages of a virtual environment, for PYTHONPATH: what the option `virtualenv` means. Reads directories."""

from __future__ import annotations

from pathlib import Path

from circus_stack.errors import SpawnError


def site_packages(environment: str, version: str | None) -> tuple[str, ...]:
    """Where the environment keeps its packages: of Python `version` (3.11), or of the only one that it has.

    Raises SpawnError where there is none, and where there are several to choose from.
    """
    base = Path(environment)
    names = [f"python{version}", f"pypy{version}"] if version else ["python*", "pypy*"]
    found = sorted(each for name in names for each in base.glob(f"lib/{name}/site-packages") if each.is_dir())
    if len(found) == 1:
        return (str(found[0]),)
    if found:
        pythons = ", ".join(each.parent.name for each in found)
        raise SpawnError(f"virtualenv {environment}: it is of several Pythons ({pythons}); set virtualenv_py_ver")
    missing = f"lib/python{version or 'X.Y'}/site-packages"
    raise SpawnError(f"virtualenv {environment}: there is no {missing} in it")
