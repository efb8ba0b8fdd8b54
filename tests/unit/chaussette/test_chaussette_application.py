"""What names an application, read without importing anything."""

from __future__ import annotations

import pytest

from chaussette.application import is_ini, load_application, parse_target
from chaussette.errors import AppLoadError, UsageError


def test_module_and_callable():
    target = parse_target("pkg.mod:obj.attr")
    assert (target.module, target.attribute, target.is_factory, target.is_dotted) == (
        "pkg.mod",
        "obj.attr",
        False,
        False,
    )


def test_dotted():
    target = parse_target("pkg.mod.obj")
    assert (target.module, target.attribute, target.is_dotted) == ("pkg.mod.obj", "", True)


def test_factory_with_literals():
    target = parse_target("pkg:make('a:b', [1, 2], debug=True)")
    assert (target.module, target.attribute) == ("pkg", "make")
    assert (target.args, target.kwargs) == (("a:b", [1, 2]), {"debug": True})


def test_dotted_factory():
    target = parse_target("pkg.mod.make('x:y')".replace(":", "-"))
    assert (target.module, target.is_dotted, target.args) == ("pkg.mod.make", True, ("x-y",))


@pytest.mark.parametrize("text", ["", ":", "pkg:", ":app", "a b:app", "pkg:app[0]", "pkg:f(x)", "pkg:f(**{})", "1:app"])
def test_wrong_forms(text):
    with pytest.raises(UsageError):
        parse_target(text)


def test_ini_schemes():
    assert is_ini("config:app.ini")
    assert is_ini("paste:app.ini#main")
    assert not is_ini("configuration:app")


def test_loading_from_the_standard_library():
    import wsgiref.simple_server

    assert load_application(parse_target("wsgiref.simple_server:demo_app")) is wsgiref.simple_server.demo_app
    assert load_application(parse_target("wsgiref.simple_server.demo_app")) is wsgiref.simple_server.demo_app


def test_a_submodule_that_is_missing_is_told_as_an_attribute():
    with pytest.raises(AppLoadError, match="'wsgiref' has no attribute 'simple_servr'; did you mean 'simple_server'"):
        load_application(parse_target("wsgiref.simple_servr.demo_app"))
