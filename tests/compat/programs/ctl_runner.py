"""A circusctl, run once for each line of stdin (a JSON list of words) in one interpreter, which saves its start.

Prints a line of JSON for each: [exit status, stdout, stderr].
usage: ctl_runner.py MODULE      circus.circusctl, or circus_stack.cli.circusctl
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import sys
from collections.abc import Callable


def run(main: Callable[[], object], words: list[str]) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    sys.argv = ["circusctl", *words]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    return status, out.getvalue(), err.getvalue()


def serve() -> None:
    main = importlib.import_module(sys.argv[1]).main
    for line in sys.stdin:
        print(json.dumps(run(main, json.loads(line))), flush=True)


if __name__ == "__main__":
    serve()
