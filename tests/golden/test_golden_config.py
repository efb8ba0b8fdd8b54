"""Each form of ini that is promised to run unchanged, with the stack that it resolves to beside it."""

from __future__ import annotations

import pytest

from circus_stack.config.circus_reader import read_circus
from circus_stack.config.option import composites_of, options_of
from circus_stack.config.problems import Problems
from circus_stack.config.schema import CircusConfig, SocketConfig, WatcherConfig
from tests.golden.cases import HERE, Case, all_cases, resolve

CASES = all_cases()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_resolved_stack_is_as_recorded(case: Case) -> None:
    assert resolve(case) == case.golden.read_text(encoding="utf-8"), "python -m tests.golden.resolve writes it again"


@pytest.mark.parametrize(
    ("record", "kind"), [(CircusConfig, "circus"), (SocketConfig, "socket"), (WatcherConfig, "watcher")]
)
def test_every_option_is_in_the_file_of_all(record: type, kind: str) -> None:
    path = HERE / "circus" / "every_option.ini"
    document = read_circus(path.read_text(encoding="utf-8"), path.name, Problems())
    keys = [entry.key for section in document.sections if section.kind == kind for entry in section.entries]
    assert [each.name for each in options_of(record) if each.name not in keys] == []
    prefixes = [each.spelling.split("*")[0] for each in composites_of(record) if each.name != "env"]
    assert [prefix for prefix in prefixes if not any(key.startswith(prefix) for key in keys)] == []


def test_every_recorded_text_has_a_case() -> None:
    assert {case.golden for case in CASES} == set(HERE.glob("*/*.txt"))
