"""Where the program of a command line is, and what to say of one that cannot be executed."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Mapping
from pathlib import Path


def locate(program: str, env: Mapping[str, str], fallback_path: str) -> str:
    """The program as a path, searched on the PATH of `env`; raises OSError where it is not there, or not executable.

    A program with a slash in its name is left as it is: exec will say.
    """
    if "/" in program:
        return program
    path = env.get("PATH", os.defpath)
    found = shutil.which(program, path=path) or locate_beside(program, env, fallback_path)
    if found is None:
        raise _refusal(program, any((Path(each) / program).exists() for each in path.split(":")))
    return found


def locate_beside(program: str, env: Mapping[str, str], fallback_path: str) -> str | None:
    """The program as a path where only `fallback_path` knows it.

    Circus gives its children no environment unless told so, and then finds on the system's default path alone what it
    is to execute: what is found there must stay the same.
    """
    if "/" in program or "PATH" in env or shutil.which(program, path=os.defpath) is not None:
        return None
    found = shutil.which(program, path=fallback_path) if fallback_path else None
    return None if found is None else str(Path(found).absolute())


def check_executable(path: str, cwd: str | None) -> None:
    """Raise the error that exec would, for a command that another program will execute."""
    there = Path(cwd or "") / path
    if there.is_dir() or not os.access(there, os.X_OK):
        raise _refusal(path, there.exists())


def _refusal(program: str, is_there: bool) -> OSError:
    code = errno.EACCES if is_there else errno.ENOENT
    return OSError(code, os.strerror(code), program)


def why_not_entered(directory: str) -> str | None:
    """Why a directory cannot become a process's own; None where it can."""
    try:
        fd = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        return error.strerror
    os.close(fd)
    return None if os.access(directory, os.X_OK) else os.strerror(errno.EACCES)
