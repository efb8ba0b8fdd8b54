"""Names and variables of an application in an ini."""

from __future__ import annotations

import pytest

from chaussette.errors import UsageError
from chaussette.ini import environment_variables, interpolable, parse_ini_target


@pytest.fixture
def ini(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "app.ini"
    path.write_text("[app:main]\na = %(ENV_A)s\nuse = config:other.ini#x\nb = %(ENV_MISSING)s\n")
    (tmp_path / "other.ini").write_text("[app:x]\nc = %(ENV_C)s\nuse = config:app.ini\n")
    return path


@pytest.mark.parametrize(
    ("text", "name", "variables"),
    [
        ("config:app.ini", "main", {}),
        ("paste:app.ini#other", "other", {}),
        ("config:app.ini?a=1&b=", "main", {"a": "1", "b": ""}),
        ("config:app.ini#other?a=1", "other", {"a": "1"}),
        ("config:app.ini?a=1#other", "other", {"a": "1"}),
    ],
)
def test_forms(ini, text, name, variables):
    target = parse_ini_target(text, None, {}, {})
    assert (target.path, target.name, target.variables) == (ini, name, variables)


def test_what_is_said_apart_stands_over_the_name(ini):
    target = parse_ini_target("config:app.ini#other?a=1&b=2", "third", {"a": "3"}, {})
    assert (target.name, target.variables) == ("third", {"a": "3", "b": "2"})


@pytest.mark.parametrize("text", ["config:", "config:nothing.ini", "paste:app.ini#a#b?c#d"])
def test_wrong_forms(ini, text):
    with pytest.raises(UsageError):
        parse_ini_target(text, None, {}, {})


def test_only_the_variables_that_are_referred_to_are_taken(ini):
    found = environment_variables(ini, {"A": "1", "B": "2", "C": "3"})
    assert found == {"ENV_A": "1", "ENV_C": "3"}


def test_a_percent_sign_of_the_environment_is_literal():
    assert interpolable({"ENV_A": "50%", "b": "50%%"}) == {"ENV_A": "50%%", "b": "50%%"}
