"""PasteDeploy's own loader is the judge of what a server section says; ours must agree without importing anything."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from paste.deploy import loadwsgi

from circus_stack.config.paste_loader import Files
from circus_stack.config.problems import Problems
from circus_stack.config.server_section import read_server
from tests.golden.cases import HERE
from tests.unit.config.stacks import APP, mistakes, paste, write


@pytest.mark.parametrize(
    ("name", "server", "variables"),
    [
        ("cookiecutter", "main", {}),
        ("waitress_addresses", "main", {}),
        ("waitress_unix", "main", {}),
        ("commented_uwsgi", "main", {"unused": "1"}),
        ("other_file", "main", {"http_port": "9100"}),
        ("base", "threads", {"http_port": "7"}),
    ],
)
def test_agrees_with_pastedeploy(name: str, server: str, variables: dict[str, str]) -> None:
    path = HERE / "paste" / f"{name}.ini"
    expected = loadwsgi.loadcontext(loadwsgi.SERVER, f"config:{path}", name=server, global_conf=dict(variables))
    problems = Problems()
    loader = Files(problems, {}, variables).loader(str(path))
    assert loader is not None
    found = loader.get_context(loadwsgi.SERVER, server, dict(variables))
    assert found.local_conf == expected.local_conf
    assert found.global_conf == expected.global_conf
    assert not problems.mistakes


def test_an_option_that_is_also_a_default_never_reaches_the_server(tmp_path: Path) -> None:
    text = f"[DEFAULT]\nport = 1\n{APP}[server:main]\nuse = egg:waitress\nport = 2\n"
    path = write(tmp_path, text)
    assert "port" not in loadwsgi.loadcontext(loadwsgi.SERVER, f"config:{path}").local_conf
    stack = paste(tmp_path, text)
    assert [socket.port for socket in stack.sockets] == [8080]
    assert [(each.option, each.line) for each in stack.warnings] == [("port", 7)]


def test_set_get_and_filters_are_followed(tmp_path: Path) -> None:
    text = """
        [DEFAULT]
        zone = UTC
        [app:main]
        use = egg:shop
        get timezone = zone
        set level = debug
        filter-with = gzip
        [filter:gzip]
        use = egg:Paste#translogger
        """
    assert not paste(tmp_path, text).warnings
    found = mistakes(paste, tmp_path, text.replace("= zone", "= zoen"))
    assert "zoen" in found[0].message
    assert found[0].section == "app:main"


def test_the_line_of_an_option_is_that_of_the_section_that_says_it(tmp_path: Path) -> None:
    write(tmp_path, "[server:base]\nuse = egg:waitress\nthreads = many\nbacklog = few\n", "base.ini")
    text = f"{APP}[server:main]\nuse = config:base.ini#base\nbacklog = none\n"
    found = mistakes(paste, tmp_path, text)
    assert [(Path(each.file).name, each.line) for each in found] == [("app.ini", 5), ("base.ini", 3)]


@pytest.mark.parametrize(
    ("use", "message"),
    [
        ("config:nope.ini#x", "does not exist"),
        ("config:base.ini#x", "there is no server named 'x'"),
        ("http://x", "scheme"),
        ("main", "leads back to itself"),
        ("", "there is no server"),
        ("config:app.ini", "leads back to itself"),
    ],
)
def test_what_cannot_be_resolved_is_a_mistake_with_its_line(tmp_path: Path, use: str, message: str) -> None:
    write(tmp_path, "[server:base]\nuse = egg:waitress\n", "base.ini")
    found = mistakes(paste, tmp_path, f"{APP}[server:main]\nuse = {use}\n")
    assert message in found[0].message
    assert found[0].line in (3, 4)


def test_the_environment_is_offered_where_it_is_asked_for(tmp_path: Path) -> None:
    text = f"{APP}[server:main]\nuse = egg:waitress\nident = %(ENV_NAME)s\nport = %(ENV_PORT_OF_MINE)s\n"
    stack = paste(tmp_path, text, environ={"NAME": "50% ${HOME} %(x)s", "PORT_OF_MINE": "81", "OTHER": "%"})
    assert "--server-header '50% ${HOME} %(x)s'" in stack.watchers[0].cmd
    assert stack.sockets[0].port == 81
    found = mistakes(paste, tmp_path, text)
    assert ["NAME" in each.message for each in found] == [True, False]


def test_nothing_of_the_application_is_imported(tmp_path: Path) -> None:
    (tmp_path / "exploding.py").write_text("raise SystemExit('imported')")
    sys.path.insert(0, str(tmp_path))
    try:
        paste(tmp_path, "[app:main]\npaste.app_factory = exploding:app\n[server:main]\nuse = call:exploding:serve\n")
        paste(tmp_path, "[app:main]\nuse = call:exploding:app\n")
    finally:
        sys.path.remove(str(tmp_path))
    assert "exploding" not in sys.modules


def test_without_a_server_section_the_defaults_are_ours(tmp_path: Path) -> None:
    problems = Problems()
    loader = Files(problems, {}, {}).loader(str(write(tmp_path, APP)))
    assert loader is not None
    assert read_server(loader, None, problems).is_own


def test_an_application_that_is_not_installed_is_named(tmp_path: Path) -> None:
    text = "[app:main]\nuse = egg:not-installed#app\n"
    found = mistakes(paste, tmp_path, text)
    assert [(each.line, each.found) for each in found] == [(2, "egg:not-installed#app")]
    # Another path, or another interpreter, may find it.
    paste(tmp_path, f"{text}[env]\nPYTHONPATH = /srv/lib\n")
    paste(tmp_path, f"{text}[watcher:web]\ncmd = other/bin/python -m chaussette --fd $(circus.sockets.web) x:y\n")


def routes(name: str, *others: str) -> str:
    keys = "".join(f"/{number} = {other}\n" for number, other in enumerate(others))
    return f"[composite:{name}]\nuse = egg:Paste#urlmap\n{keys}"


def test_a_ring_of_composites_is_a_mistake_of_the_line_that_closes_it(tmp_path: Path) -> None:
    text = routes("main", "a") + routes("a", "b", "leaf") + routes("b", "leaf", "a") + "[app:leaf]\nuse = egg:shop\n"
    (found,) = mistakes(paste, tmp_path, text)
    assert found.message == "leads back to itself: composite:a -> composite:b -> composite:a"
    assert (found.section, found.option, found.line) == ("composite:b", "/1", 11)


def test_a_ring_of_composites_by_way_of_a_pipeline_and_another_file_is_found(tmp_path: Path) -> None:
    write(tmp_path, routes("far", "config:app.ini#a"), "far.ini")
    text = routes("main", "p") + "[pipeline:p]\npipeline = f a\n[filter:f]\nuse = egg:Paste#translogger\n"
    (found,) = mistakes(paste, tmp_path, text + routes("a", "config:far.ini#far"))
    assert found.message == "leads back to itself: composite:a -> composite:far -> composite:a"
    assert (Path(found.file).name, found.line) == ("far.ini", 3)


def test_two_ways_to_one_composite_are_no_ring(tmp_path: Path) -> None:
    text = routes("main", "a", "b") + routes("a", "c") + routes("b", "c") + routes("c", "leaf", "leaf")
    assert paste(tmp_path, f"{text}[app:leaf]\nuse = egg:shop\n")


def test_an_entry_point_that_is_missing_is_answered_with_those_that_exist(tmp_path: Path) -> None:
    found = mistakes(paste, tmp_path, "[app:main]\nuse = egg:shop#mian\n")
    assert "egg:shop#main" in found[0].legal
