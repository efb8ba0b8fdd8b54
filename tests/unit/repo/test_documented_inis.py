"""The ini files that the documents show: each is read by the program, without a mistake or a warning."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from circus_stack.config.installed import Installed
from circus_stack.config.load import Machine, detect_kind, load_circus, load_stack
from circus_stack.config.schema import SourceKind, StackConfig
from circus_stack.services import KINDS
from tests.unit.repo.tree import documents, relative

INI = re.compile(r"^```ini\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHOWN = [
    pytest.param(text, id=f"{relative(page)}-{number}")
    for page in documents()
    for number, text in enumerate(INI.findall(page.read_text()), start=1)
]


def a_machine_with(application: str, site: Path) -> Machine:
    """One on which the application of the documents is installed."""
    info = site / f"{application}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {application}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[paste.app_factory]\nmain = {application}:main\n")
    (site / f"{application}.py").touch()
    return Machine(installed=Installed([str(site), *sys.path]))


def load(path: Path, machine: Machine) -> StackConfig:
    if detect_kind(path) is SourceKind.CIRCUS:
        return load_circus(path, environ={})
    return load_stack(path, environ={}, service_kinds=KINDS, machine=machine)


@pytest.mark.parametrize("text", SHOWN)
def test_ini_of_a_document_is_accepted(text: str, tmp_path: Path) -> None:
    path = tmp_path / "shown.ini"
    path.write_text(text)

    stack = load(path, a_machine_with("myapp", tmp_path / "site"))

    assert [str(warning) for warning in stack.warnings] == []
    assert stack.watchers


def test_documents_show_files() -> None:
    assert len(SHOWN) >= 4
