"""Writes what was changed at run time into the files that a stack was read from; each whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from circus_stack.config.saving import Saved as Texts
from circus_stack.config.saving import save_changes
from circus_stack.config.schema import StackConfig, WatcherConfig
from circus_stack.control.desk import Saved
from circus_stack.errors import CommandError, Errno
from circus_stack.system.atomic_file import rewrite_atomically


def save(read: StackConfig, declared: StackConfig, running: Sequence[WatcherConfig]) -> Saved:
    """Write into the files what runs and what they don't say. `read` is what they say now, `declared` what they said
    when they were applied: a file that says something else by now is somebody's, and left alone.

    Blocks while it writes. Raises CommandError, with nothing written but, if the disk fails, what the text names.
    """
    if not declared.files:
        raise CommandError("this stack was not read from a file: there is nothing to save into", Errno.COMMAND_ERROR)
    if read != declared:
        reason = "the configuration has changed since it was read: apply it (reloadconfig) or take it back, then save"
        raise CommandError(reason, Errno.COMMAND_ERROR)
    paths = [Path(each) for each in declared.files]
    try:
        found = save_changes({str(path): _text(path) for path in paths}, declared, running)
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"nothing was saved: {error}", Errno.OS_ERROR) from None
    _write(found)
    return Saved(str(paths[0]), found.changes, found.unsaved, tuple(found.texts))


def _text(path: Path) -> str:
    """The text with its line ends as they are."""
    return path.read_bytes().decode()


def _write(found: Texts) -> None:
    done: list[str] = []
    for path, text in found.texts.items():
        try:
            rewrite_atomically(Path(path), text.encode())
        except OSError as error:
            written = f"; written already: {', '.join(done)}" if done else "; nothing was saved"
            raise CommandError(f"{path} cannot be written: {error.strerror}{written}", Errno.OS_ERROR) from None
        done.append(path)
