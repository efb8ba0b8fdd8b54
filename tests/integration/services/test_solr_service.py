"""The recipe of Solr against the example's stand-in, which is a JVM with Lucene and is not Apache Solr."""

from __future__ import annotations

from pathlib import Path

import pysolr

from circus_stack.services import ServicePlan
from tests.integration.services.launched import answers, launched, plan_for, stop
from tests.support.ports import free_port
from tests.support.services import declare

STAND_IN = Path(__file__).parents[3] / "examples" / "pyramid_app" / "solr_stand_in" / "solr"


def _plan(tmp_path: Path) -> ServicePlan:
    service = declare("solr", binary=STAND_IN, port=free_port(), heap="128m", collection="notes", requires="java javac")
    return plan_for(service, tmp_path)


def test_a_search_service_is_started_probed_used_and_stopped_and_keeps_its_index(tmp_path: Path) -> None:
    plan = _plan(tmp_path)
    assert not answers(plan.watcher.ready)
    with launched(plan, tmp_path / "log") as program:
        solr = pysolr.Solr(plan.exports["SOLR_URL"], timeout=10)
        solr.add([{"id": "1", "text": "a notice board"}], commit=True)
        assert [hit["id"] for hit in solr.search("text:notice")] == ["1"]
        assert stop(plan, program) == 0
    assert not answers(plan.watcher.ready)
    with launched(plan, tmp_path / "log"):
        solr = pysolr.Solr(plan.exports["SOLR_URL"], timeout=10)
        assert [hit["id"] for hit in solr.search("text:board")] == ["1"]


def test_its_index_lives_in_the_state_directory(tmp_path: Path) -> None:
    plan = _plan(tmp_path)
    with launched(plan, tmp_path / "log"):
        pysolr.Solr(plan.exports["SOLR_URL"], timeout=10).add([{"id": "1", "text": "x"}], commit=True)
    assert (tmp_path / "state" / "solr" / "home" / "notes").is_dir()
