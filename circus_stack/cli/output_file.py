"""A file that a command writes for a person: never over one that exists, unless it was told so."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click


def write_output(output: Path, text: str, *, force: bool, mode: int = 0o666) -> bool:
    """Write the file, or print the text where its name is -; whether a file was written. A new file has `mode`, less
    what the umask takes."""
    if str(output) == "-":
        click.echo(text, nl=False)
        return False

    def opened(path: str, flags: int) -> int:
        return os.open(path, flags, mode)

    try:
        with open(output, "w" if force else "x", encoding="utf-8", opener=opened) as file:
            file.write(text)
    except FileExistsError:
        raise click.ClickException(f"{output} exists already; --force replaces it, -o names another file") from None
    except OSError as error:
        print(f"circus-stack: {output} cannot be written: {error.strerror}", file=sys.stderr)
        sys.exit(1)
    return True
