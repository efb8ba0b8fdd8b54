"""What the distribution declares: its extras, its programs, its entry points, its version."""

from __future__ import annotations

import importlib
import os
import re
import tomllib
from typing import Any

import pytest

import circus_stack
from tests.unit.repo.tree import ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]


def test_the_extras_that_the_documents_name_exist() -> None:
    named = {"gevent", "fastgevent", "waitress", "eventlet", "bjoern", "redis", "bench", "web", "top", "metrics"}
    named |= {"cluster"}

    assert named | {"all", "dev"} == set(EXTRAS)


def test_no_extra_declares_meinheld() -> None:
    declared = [*PROJECT["dependencies"], *(line for lines in EXTRAS.values() for line in lines)]

    assert [line for line in declared if line.startswith("meinheld")] == []


@pytest.mark.parametrize("target", sorted(PROJECT["scripts"].values()))
def test_program_can_be_started(target: str) -> None:
    module, _, attribute = target.partition(":")

    assert callable(getattr(importlib.import_module(module), attribute))


@pytest.mark.parametrize("target", sorted(PROJECT["entry-points"]["chaussette.backends"].values()))
def test_backend_stands_where_its_entry_point_says(target: str) -> None:
    module, _, attribute = target.partition(":")

    assert re.search(rf"^class {attribute}\b", (ROOT / f"{module.replace('.', '/')}.py").read_text(), re.MULTILINE)


def test_changelog_knows_what_is_unreleased_and_what_is_safer() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()

    assert "## Unreleased" in changelog
    assert "### Security" in changelog
    assert re.fullmatch(r"\d+\.\d+\.\d+", circus_stack.__version__)


@pytest.mark.parametrize("name", ["tools/python", "tools/venv", "tools/system-packages", "tools/meinheld", ".ci/run"])
def test_step_of_the_set_up_can_be_run(name: str) -> None:
    assert os.access(ROOT / name, os.X_OK)
