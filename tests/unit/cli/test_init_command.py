from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from circus_stack.cli.init import init, render_template
from tests.unit.config.stacks import paste


def test_what_it_writes_is_in_order(tmp_path: Path) -> None:
    stack = paste(tmp_path, render_template('shop.wsgi:make("50%")', Path("app.ini")))
    assert stack.web is not None
    assert (stack.web.app, stack.web.workers) == ('shop.wsgi:make("50%")', 2)
    assert not stack.warnings


def test_what_it_teaches_is_in_order_too(tmp_path: Path) -> None:
    lines = render_template("shop:app", Path("app.ini")).splitlines()
    # A commented example is a `# ` and an option or a section; prose has neither.
    examples = [line[2:] if line.startswith(("# [", "# ")) and _is_example(line[2:]) else line for line in lines]
    stack = paste(tmp_path, "\n".join(examples))
    assert [each.name for each in stack.watchers] == ["web", "jobs"]
    assert [each.name for each in stack.services] == ["redis"]
    assert not stack.warnings


def _is_example(text: str) -> bool:
    return text.startswith("[") or (" = " in text and " " not in text.partition(" = ")[0])


def test_it_writes_and_refuses_to_overwrite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    assert runner.invoke(init, ["mod:app"]).exit_code == 0
    before = Path("app.ini").read_text()
    refused = runner.invoke(init, ["other:app"])
    assert (refused.exit_code, "exists already" in refused.output) == (1, True)
    assert Path("app.ini").read_text() == before
    assert runner.invoke(init, ["other:app", "--force"]).exit_code == 0
    assert "app = other:app" in Path("app.ini").read_text()
    assert runner.invoke(init, ["mod:app", "-o", "no/such/dir.ini"]).exit_code == 1


def test_it_prints_where_asked() -> None:
    assert CliRunner().invoke(init, ["mod:app", "-o", "-"]).output.startswith("# A stack for circus-stack.")


def test_what_is_no_application_is_refused() -> None:
    result = CliRunner().invoke(init, ["mod"])
    assert (result.exit_code, "module:callable" in result.output) == (2, True)
