"""The rules of the code that a machine can hold: size, names, and a word on what may live in each file."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.unit.repo.tree import python_files, relative

LONGEST_FILE = 500
LONGEST_FUNCTION = 50
# The name is not ours: command lines and programs written for Chaussette 1.3 have it.
INHERITED_NAMES = {"chaussette/util.py"}
VAGUE_NAMES = {"util", "utils", "common", "helper", "helpers", "misc"}


def docstring_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """A long explanation makes no function long."""
    first = node.body[0]
    return (first.end_lineno or 0) - first.lineno + 1 if ast.get_docstring(node) is not None else 0


def long_functions(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1 - docstring_lines(node)
            if length > LONGEST_FUNCTION:
                yield f"{relative(path)}:{node.lineno} {node.name}: {length} lines"


def test_each_file_opens_with_what_may_live_in_it() -> None:
    sources = {path: path.read_text() for path in python_files()}
    silent = [path for path, source in sources.items() if source.strip() and not ast.get_docstring(ast.parse(source))]

    assert [relative(path) for path in silent] == []


def test_files_are_short() -> None:
    lengths = {relative(path): len(path.read_text().splitlines()) for path in python_files()}

    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


def test_functions_are_short() -> None:
    assert [found for path in python_files() for found in long_functions(path)] == []


def test_no_module_has_a_vague_name() -> None:
    vague = {relative(path) for path in python_files() if path.stem in VAGUE_NAMES}

    assert vague == INHERITED_NAMES
