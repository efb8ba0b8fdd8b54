"""Names of Chaussette 1.3 that programs import."""

from __future__ import annotations

import inspect
import logging
from pathlib import Path

import pytest

from chaussette import backend, server, util
from chaussette.hello import app


def test_all_of_them_are_there() -> None:
    for name in ("hello_app", "bench_app", "setup_bench", "teardown_bench", "create_socket", "import_string"):
        assert callable(getattr(util, name))
    assert all(callable(each) for each in (backend.register, backend.get, backend.backends, server.main))
    names = list(inspect.signature(server.make_server).parameters)
    assert names[:7] == ["app", "host", "port", "backend", "backlog", "spawn", "logger"]
    assert {"address_family", "socket_type", "graceful_timeout", "disable_monkeypatch"} < set(names)


@pytest.mark.parametrize("name", ["chaussette.util.hello_app", "chaussette.util:hello_app", "chaussette.hello.app"])
def test_an_object_by_its_name(name: str) -> None:
    assert util.import_string(name) is app


@pytest.mark.parametrize("name", ["no.such.module", "chaussette.util:nothing", "chaussette.nothing", "a b"])
def test_an_object_that_is_not_there(name: str) -> None:
    with pytest.raises(ImportError):
        util.import_string(name)
    assert util.import_string(name, silent=True) is None


def test_a_logger_writes_into_a_file(tmp_path: Path) -> None:
    logger = logging.getLogger("old-names")
    logger.propagate = False
    util.configure_logger(logger, "warning", str(tmp_path / "log"))
    logger.info("little")
    logger.warning("much")
    (handler,) = logger.handlers
    handler.close()
    logger.removeHandler(handler)
    text = (tmp_path / "log").read_text()
    assert text.endswith("[WARNING] much\n")
    assert "little" not in text
