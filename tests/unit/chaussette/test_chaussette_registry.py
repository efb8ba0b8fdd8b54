"""Which backends there are."""

from __future__ import annotations

import pytest

from chaussette.backends import registry
from chaussette.backends.base import Backend
from chaussette.backends.registry import BackendStatus
from chaussette.errors import BackendError


def test_the_built_in_ones_are_known_and_installed_under_the_same_names():
    from importlib.metadata import entry_points

    assert set(registry.BUILT_IN) == {"wsgiref", "waitress", "gevent", "fastgevent", "meinheld", "eventlet", "bjoern"}
    installed = {point.name: point.value for point in entry_points(group=registry.GROUP)}
    assert {name: installed[name] for name in registry.BUILT_IN} == registry.BUILT_IN


@pytest.mark.parametrize("name", registry.BUILT_IN)
def test_a_class_is_loaded_without_its_library_and_knows_its_name(name):
    cls = registry.backend_class(name)
    assert issubclass(cls, Backend)
    assert cls.name == name
    assert bool(cls.library) == bool(cls.install)


def test_an_unknown_name_is_answered_with_those_that_exist():
    with pytest.raises(BackendError, match="there is no backend 'waitres'; did you mean 'waitress'") as caught:
        registry.backend_class("waitres")
    assert all(name in str(caught.value) for name in registry.BUILT_IN)


def test_a_library_that_is_missing():
    class Missing(Backend):
        name = "missing"
        library = "no_such_library"
        install = "pip install it"

        def serve(self, lifecycle):
            raise AssertionError

    assert registry.why_unavailable(Missing) == "no_such_library is not installed"


def test_a_line_of_the_listing():
    assert registry.describe(BackendStatus("a", True, "1.2", "", "")) == "a          1.2"
    missing = BackendStatus("a", False, "", "b is not installed", "pip install b")
    assert registry.describe(missing) == "a          not available: b is not installed; install it with: pip install b"


def test_what_is_registered_must_be_a_backend(monkeypatch):
    monkeypatch.setitem(registry.BUILT_IN, "odd", "chaussette.hello:app")
    with pytest.raises(BackendError, match="is no subclass"):
        registry.backend_class("odd")
    monkeypatch.setitem(registry.BUILT_IN, "gone", "chaussette.nowhere:App")
    with pytest.raises(BackendError, match="cannot be loaded from"):
        registry.backend_class("gone")


@pytest.mark.parametrize("name", ["geventwebsocket", "geventws4py", "socketio", "tornado"])
def test_a_backend_of_chaussette_1_that_is_gone_has_a_stand_in(name):
    other, warning = registry.stand_in(name)
    assert other in registry.BUILT_IN
    assert warning.startswith(f"{name} is no backend any more; {other} takes its place: ")


def test_a_backend_that_exists_stands_for_itself():
    assert registry.stand_in("gevent") == ("gevent", "")
