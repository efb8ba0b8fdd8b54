"""`include` and `include_dir` of `[circus]`: which files belong to a Circus file, and all of them as one document.

Looks for files and reads them, through `source`; everything else is pure.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from circus_stack.config.circus_reader import read_circus
from circus_stack.config.document import Document, Entry, Section
from circus_stack.config.expand import environ_variables, expand
from circus_stack.config.problems import Problems
from circus_stack.config.source import read_text

INCLUDE, INCLUDE_DIR = "include", "include_dir"
KEYS = (INCLUDE, INCLUDE_DIR)


def with_included(main: Document, environ: Mapping[str, str], problems: Problems) -> tuple[Document, tuple[str, ...]]:
    """The main document with the sections of what it includes, and the path of every file, the main one first.

    As in Circus: names are relative to the main file, an included file's own `include` is not read, and of an option
    that several files set the first counts, the main file's before all. Files of a pattern come in alphabetical order.
    """
    documents = {_real(main.path): main}
    circus = main.find("circus")
    entries = [entry for key in KEYS if circus is not None and (entry := circus.find(key)) is not None]
    for entry in entries:
        for path in _named(entry, main, environ, problems):
            if _real(path) not in documents and (document := _read(path, problems)) is not None:
                documents[_real(path)] = document
    merged = _merged(documents.values())
    return Document(main.path, merged, main.text), tuple(each.path for each in documents.values())


def _real(path: str) -> str:
    return os.path.realpath(path)


def _named(entry: Entry, main: Document, environ: Mapping[str, str], problems: Problems) -> list[str]:
    """The files that one option means, in its order; a pattern that means none is warned of, as in Circus."""
    folder = Path(main.path).parent
    found: list[str] = []
    for word in expand(entry.value, environ_variables(environ)).split():
        is_literal = entry.key == INCLUDE and (folder / word).exists()
        paths = [str(folder / word)] if is_literal else _matching(word, folder, entry.key)
        if not paths:
            _warn_nothing(entry, word, folder, problems)
        found += [path for path in paths if not _is_refused(path, main, entry, is_literal, problems)]
    return found


def _matching(word: str, folder: Path, key: str) -> list[str]:
    pattern = word if key == INCLUDE else f"{word.rstrip('/') or '/'}/*.ini"
    # Not Path.glob: a pattern may be absolute, or lead upwards.
    return sorted(str(folder / each) for each in glob.glob(pattern, root_dir=folder))  # noqa: PTH207


def _warn_nothing(entry: Entry, word: str, folder: Path, problems: Problems) -> None:
    is_directory = entry.key == INCLUDE_DIR
    if not is_directory:
        message = "leads to no file"
    else:
        message = "has no file *.ini" if (folder / word).is_dir() else "is no directory"
    legal = "a path or a pattern" if not is_directory else "a directory with files *.ini"
    problems.warn(
        message, entry.where, section="circus", option=entry.key, found=word, legal=f"{legal}, relative to this file"
    )


def _is_refused(path: str, main: Document, entry: Entry, is_literal: bool, problems: Problems) -> bool:
    """Whether it is no file to be read: the main file once more, or a directory. A pattern passes them over."""
    is_main, is_directory = _real(path) == _real(main.path), Path(path).is_dir()
    if is_literal and is_main:
        problems.add("includes this very file", entry.where, section="circus", option=entry.key, found=path)
    elif is_literal and is_directory:
        legal = f"{INCLUDE_DIR} = DIRECTORY, or {INCLUDE} = FILE"
        problems.add("is a directory", entry.where, section="circus", option=entry.key, found=path, legal=legal)
    return is_main or is_directory


def _read(path: str, problems: Problems) -> Document | None:
    text = read_text(Path(path), problems)
    if text is None:
        return None
    document = read_circus(text, path, problems)
    circus = document.find("circus")
    for key in KEYS:
        entry = circus.find(key) if circus is not None else None
        if entry is not None:
            message = "has no effect: only the main file includes others, as in Circus"
            problems.warn(message, entry.where, section="circus", option=key)
    return document


def _merged(documents: Iterable[Document]) -> tuple[Section, ...]:
    """Sections of one title become one; the first entry of a key stays."""
    found: dict[str, Section] = {}
    for document in documents:
        for section in document.sections:
            known = found.get(section.title)
            if known is None:
                found[section.title] = section
                continue
            keys = {entry.key for entry in known.entries}
            more = tuple(entry for entry in section.entries if entry.key not in keys)
            found[section.title] = Section(section.title, known.where, (*known.entries, *more))
    return tuple(found.values())
