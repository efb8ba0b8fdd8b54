"""A circusctl, run once for each line of stdin (a JSON list of words) in one interpreter, which saves its start.

Prints a line of JSON for each: [exit status, stdout, stderr].
usage: ctl_runner.py MODULE      circus.circusctl, or circus_stack.cli.circusctl
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import IO


@contextlib.contextmanager
def captured(number: int) -> Iterator[IO[str]]:
    """What is written to a descriptor, as its file: a program may ask what stands behind it."""
    stream = sys.stdout if number == 1 else sys.stderr
    saved = os.dup(number)
    with tempfile.TemporaryFile("w+") as file:
        os.dup2(file.fileno(), number)
        try:
            yield file
        finally:
            stream.flush()
            os.dup2(saved, number)
            os.close(saved)


def run(main: Callable[[], object], words: list[str]) -> tuple[int, str, str]:
    sys.argv = ["circusctl", *words]
    with captured(1) as out, captured(2) as err:
        try:
            main()
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        sys.stdout.flush()
        sys.stderr.flush()
        out.seek(0)
        err.seek(0)
        return status, out.read(), err.read()


def serve() -> None:
    main = importlib.import_module(sys.argv[1]).main
    for line in sys.stdin:
        print(json.dumps(run(main, json.loads(line))), flush=True)


if __name__ == "__main__":
    serve()
