"""The command, the files and the exports of the recipe of Solr, for each line of its releases."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

from circus_stack.config.values import Location
from circus_stack.errors import ConfigError, ServiceUnavailableError
from circus_stack.services import ServicePlan, binaries, prepare
from tests.support.services import declare, program


def _release(root: Path, version: str) -> str:
    """An unpacked release, as far as the recipe looks at one."""
    lib = root / "server" / "solr-webapp" / "webapp" / "WEB-INF" / "lib"
    lib.mkdir(parents=True)
    (lib / f"solr-core-{version}.jar").touch()
    (root / "server" / "solr" / "configsets" / "_default" / "conf").mkdir(parents=True)
    return program(root / "bin" / "solr")


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    program(tmp_path / "java" / "bin" / "java")
    return {"JAVA_HOME": str(tmp_path / "java"), "PATH": str(tmp_path / "path")}


@pytest.fixture(autouse=True)
def _not_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)


def _plan(tmp_path: Path, environ: dict[str, str], binary: str, **texts: object) -> ServicePlan:
    service = declare("solr", binary=binary, where={"configset": Location("app.ini", 9)}, **texts)
    return prepare(service, state_dir=tmp_path / "state", runtime_dir=tmp_path / "run", environ=environ)


def _argv(plan: ServicePlan) -> list[str]:
    return shlex.split(plan.watcher.cmd)[1:]


def test_a_program_of_unknown_version_gets_the_words_that_most_releases_know(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    plan = _plan(tmp_path, environ, program(tmp_path / "stand_in" / "solr"), port=8990, heap="128m", collection="notes")
    home = str(tmp_path / "state" / "solr" / "home")
    assert _argv(plan) == ["start", "-f", "-p", "8990", "-m", "128m", "-s", home]
    assert plan.exports == {"SOLR_URL": "http://127.0.0.1:8990/solr/notes"}
    assert str(plan.watcher.ready) == "http:http://127.0.0.1:8990/solr/admin/info/system"
    assert plan.watcher.graceful_timeout == 60.0


@pytest.mark.parametrize(
    ("version", "home_words", "more"),
    [
        ("8.11.4", ["-s"], ["-Djetty.host=127.0.0.1", "-Dsolr.jetty.host=127.0.0.1"]),
        ("9.8.0", ["-s"], []),
        ("10.0.0", ["--user-managed", "--solr-home"], []),
    ],
)
def test_each_line_of_releases_gets_its_own_words(
    tmp_path: Path, environ: dict[str, str], version: str, home_words: list[str], more: list[str]
) -> None:
    plan = _plan(tmp_path, environ, _release(tmp_path / "solr", version))
    home = str(tmp_path / "state" / "solr" / "home")
    assert _argv(plan) == ["start", "-f", "-p", "8983", "-m", "512m", *home_words, home, *more]


@pytest.mark.parametrize(("version", "word"), [("9.8.0", "-force"), ("10.0.0", "--force")])
def test_root_forces_it(
    tmp_path: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, version: str, word: str
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert word in _argv(_plan(tmp_path, environ, _release(tmp_path / "solr", version)))


def test_it_stays_on_loopback_and_in_its_own_directories(tmp_path: Path, environ: dict[str, str]) -> None:
    plan = _plan(tmp_path, environ, program(tmp_path / "solr"))
    state = tmp_path / "state" / "solr"
    env = plan.watcher.env
    assert (env["SOLR_JETTY_HOST"], env["SOLR_HOST_BIND"]) == ("127.0.0.1", "127.0.0.1")
    assert (env["SOLR_LOGS_DIR"], env["SOLR_PID_DIR"]) == (str(state / "logs"), str(state))
    assert Path(env["SOLR_INCLUDE"]) in plan.files
    assert plan.directories == (state, state / "logs", state / "home")
    assert "<solr>" in plan.files[state / "home" / "solr.xml"]


def test_a_home_of_ones_own_keeps_its_solr_xml(tmp_path: Path, environ: dict[str, str]) -> None:
    home, binary = tmp_path / "home", program(tmp_path / "solr")
    home.mkdir()
    first = _plan(tmp_path, environ, binary, home=home)
    written = first.files[home / "solr.xml"]
    (home / "solr.xml").write_text(written)
    assert _plan(tmp_path, environ, binary, home=home) == first, "what we wrote must not look like a change"
    (home / "solr.xml").write_text("<solr><!-- mine --></solr>")
    assert home / "solr.xml" not in _plan(tmp_path, environ, binary, home=home).files


def test_a_core_is_made_from_a_configset_only_if_asked(tmp_path: Path, environ: dict[str, str]) -> None:
    configset = tmp_path / "sets" / "notes"
    (configset / "conf").mkdir(parents=True)
    plan = _plan(tmp_path, environ, program(tmp_path / "solr"), collection="notes", configset=configset)
    home = tmp_path / "state" / "solr" / "home"
    assert plan.files[home / "notes" / "core.properties"] == "name=notes\n"
    assert plan.seeds == {home / "notes" / "conf": configset / "conf"}
    assert plan.directories[-1] == home / "notes"
    bare = _plan(tmp_path, environ, program(tmp_path / "solr"), collection="notes")
    assert home / "notes" / "core.properties" not in bare.files
    assert bare.seeds == {}


def test_a_configset_that_solr_ships_is_named_by_its_name(tmp_path: Path, environ: dict[str, str]) -> None:
    binary = _release(tmp_path / "solr", "9.8.0")
    plan = _plan(tmp_path, environ, binary, collection="notes", configset="_default")
    shipped = tmp_path / "solr" / "server" / "solr" / "configsets" / "_default" / "conf"
    assert list(plan.seeds.values()) == [shipped]


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ({"configset": "sets/none", "collection": "notes"}, "sets/none/conf is not a directory"),
        ({"configset": "sets/none"}, "needs the option collection"),
    ],
)
def test_a_configset_that_cannot_be_used_is_named_with_its_line(
    tmp_path: Path, environ: dict[str, str], texts: dict[str, str], said: str
) -> None:
    with pytest.raises(ConfigError, match=rf"app.ini:9: \[service:solr\] configset: .*{said}"):
        _plan(tmp_path, environ, program(tmp_path / "solr"), **texts)


def test_a_missing_java_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "_SYSTEM_DIRS", ())
    with pytest.raises(ServiceUnavailableError, match="apt-get install default-jre-headless"):
        _plan(tmp_path, {"PATH": str(tmp_path)}, program(tmp_path / "solr"))


def test_a_wrong_java_home_is_named(tmp_path: Path, environ: dict[str, str]) -> None:
    with pytest.raises(ServiceUnavailableError, match="java_home is '/nowhere'"):
        _plan(tmp_path, environ, program(tmp_path / "solr"), java_home="/nowhere")


def test_a_java_home_is_passed_on(tmp_path: Path, environ: dict[str, str]) -> None:
    java = str(tmp_path / "java")
    env = _plan(tmp_path, environ, program(tmp_path / "solr"), java_home=java).watcher.env
    assert (env["JAVA_HOME"], env["SOLR_JAVA_HOME"]) == (java, java)


def test_a_missing_solr_says_where_to_get_it(tmp_path: Path, environ: dict[str, str]) -> None:
    service = declare("solr")
    with pytest.raises(ServiceUnavailableError, match=r"binary = /opt/solr/bin/solr"):
        prepare(service, state_dir=tmp_path, runtime_dir=tmp_path, environ=environ)


def test_what_it_requires_is_looked_for_before_anything_starts(tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / "lucene-core-8.jar").touch()
    binary = program(tmp_path / "solr")
    _plan(tmp_path, environ, binary, requires=f"{tmp_path}/lucene-core-*.jar")
    with pytest.raises(ServiceUnavailableError, match=r"lucene-none-\*.jar', which it requires, was not found"):
        _plan(tmp_path, environ, binary, requires=f"{tmp_path}/lucene-none-*.jar")
    with pytest.raises(ServiceUnavailableError, match="'no-such-javac'"):
        _plan(tmp_path, environ, binary, requires="no-such-javac")
