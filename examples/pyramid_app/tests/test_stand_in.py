"""The stand-in, as pysolr and a supervisor see it. What it does beyond Solr, and what it refuses, is told by name."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path
from typing import Any

import pysolr
import pytest
import requests

from tests.servers import PATIENCE_S, STAND_IN, StandIn


@pytest.fixture
def solr(stand_in: StandIn) -> Any:
    return pysolr.Solr(stand_in.url, timeout=PATIENCE_S)


def ids(results: Any) -> list[str]:
    return [row["id"] for row in results.docs]


def test_it_says_that_it_is_a_stand_in(stand_in: StandIn) -> None:
    answer = requests.get(f"{stand_in.url}/admin/ping", timeout=PATIENCE_S)
    assert answer.json()["status"] == "OK"
    assert "not Apache Solr" in answer.headers["Server"]
    told = subprocess.run([STAND_IN, "--version"], capture_output=True, text=True, check=True, timeout=PATIENCE_S)
    assert "not Apache Solr" in told.stdout


def test_json_and_xml_updates_are_found_after_a_commit(solr: Any) -> None:
    solr.add([{"id": "1", "text_t": "one"}, {"id": "2", "text_t": "two", "n_i": 2}])
    assert solr.search("*:*").hits == 0
    solr.commit()
    # A boost makes pysolr send XML.
    solr.add([{"id": "3", "text_t": ["three", "<more>"], "n_i": 3}], boost={"text_t": 2.0}, commit=True)
    assert sorted(ids(solr.search("*:*"))) == ["1", "2", "3"]
    assert solr.search("id:3").docs == [{"id": "3", "text_t": ["three", "<more>"], "n_i": 3}]
    solr.add([{"id": "1", "text_t": "uno"}], softCommit=True)
    assert (ids(solr.search("uno")), ids(solr.search("one"))) == (["1"], [])


def test_documents_are_deleted_by_id_and_by_query(solr: Any) -> None:
    solr.add([{"id": str(n), "n_i": n} for n in range(6)], commit=True)
    solr.delete(id=["0", "1"], commit=True)
    solr.delete(q="n_i:[4 TO *]", commit=True)
    assert sorted(ids(solr.search("*:*"))) == ["2", "3"]


def test_slices_orders_fields_and_filters(solr: Any) -> None:
    solr.add([{"id": str(n), "n_i": n, "text_t": "even" if n % 2 == 0 else "odd"} for n in range(10)], commit=True)
    assert ids(solr.search("*:*", sort="n_i desc", start=2, rows=3)) == ["7", "6", "5"]
    assert ids(solr.search("even", df="text_t", sort="n_i asc", fq="n_i:{4 TO 8]")) == ["6", "8"]
    assert solr.search("id:4", fl="id,n_i").docs == [{"id": "4", "n_i": 4}]
    assert solr.search("id:4", fl="id score").docs[0]["score"] > 0
    assert solr.search("*:*", rows=0).hits == 10


def test_what_it_does_not_do_is_an_error_not_a_wrong_answer(solr: Any) -> None:
    for asked in ({"facet": "true"}, {"hl": "true"}, {"wt": "xml"}, {"defType": "func"}, {"rows": 100_000}):
        with pytest.raises(pysolr.SolrError, match="HTTP 400"):
            solr.search("x", **asked)
    with pytest.raises(pysolr.SolrError, match="atomic updates"):
        solr.add([{"id": "1", "n_i": 1}], fieldUpdates={"n_i": "inc"})
    with pytest.raises(pysolr.SolrError, match="Cannot parse"):
        solr.search("a AND")


def test_a_batch_with_a_bad_document_changes_nothing(solr: Any) -> None:
    with pytest.raises(pysolr.SolrError, match="whole number"):
        solr.add([{"id": "1"}, {"id": "2", "n_i": "many"}], commit=True)
    assert solr.search("*:*").hits == 0


def test_bodies_are_bounded_typed_and_have_no_entities(stand_in: StandIn) -> None:
    def update(body: bytes, kind: str) -> requests.Response:
        headers = {"Content-Type": kind}
        return requests.post(f"{stand_in.url}/update", data=body, headers=headers, timeout=PATIENCE_S)

    assert update(b"[{}]", "text/plain").status_code == 415
    assert update(b"[" * 9000, "application/json").status_code == 400
    assert update(b"[" + b" " * 8 * 1024 * 1024 + b"]", "application/json").status_code == 413
    bomb = b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/hostname">]><add>&e;</add>'
    assert "DOCTYPE" in update(bomb, "text/xml").json()["error"]["msg"]


def test_cores_are_listed_and_made(stand_in: StandIn) -> None:
    admin = f"{stand_in.root}/admin/cores"
    requests.get(admin, params={"action": "CREATE", "name": "other"}, timeout=PATIENCE_S).raise_for_status()
    listed = requests.get(admin, params={"action": "STATUS"}, timeout=PATIENCE_S).json()["status"]
    assert {"notes", "other"} <= set(listed)
    assert requests.get(f"{stand_in.root}/..%2F..%2Fetc/select", timeout=PATIENCE_S).status_code == 404


def test_stopping_keeps_the_index_and_ends_with_zero(tmp_path: Path) -> None:
    server = StandIn(tmp_path)
    try:
        server.start()
        pysolr.Solr(server.url, timeout=PATIENCE_S).add([{"id": "kept"}])
        assert server.send(signal.SIGTERM) == 0, server.output()
        server.start()
        assert ids(pysolr.Solr(server.url, timeout=PATIENCE_S).search("*:*")) == ["kept"]
        assert server.send(signal.SIGINT) == 0, server.output()
    finally:
        server.kill()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "expected start"),
        (["start", "-s", "x"], "-f is missing"),
        (["start", "-f"], "-s HOME is missing"),
        (["start", "-f", "-s"], "-s needs a value"),
        (["start", "-f", "-s", "x", "-m", "lots"], "expected a size of memory"),
        (["start", "-f", "-s", "x", "-p", "70000"], "expected a port"),
        (["start", "-f", "-s", "x", "--host", "0.0.0.0"], "127.0.0.1 only"),
        (["start", "-f", "-s", "x", "-c"], "unknown option '-c'"),
    ],
)
def test_a_wrong_command_line_is_named(words: list[str], told: str, tmp_path: Path) -> None:
    ended = subprocess.run([STAND_IN, *words], capture_output=True, text=True, cwd=tmp_path, timeout=PATIENCE_S)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert told in ended.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("variable", ["JAVA_HOME", "LUCENE_JARS"])
def test_what_is_missing_is_named_with_the_way_to_get_it(variable: str, tmp_path: Path) -> None:
    environ = {"PATH": "/usr/bin:/bin", variable: str(tmp_path)}
    command = [str(STAND_IN), "start", "-f", "-s", str(tmp_path / "home")]
    ended = subprocess.run(command, capture_output=True, text=True, env=environ, timeout=PATIENCE_S)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "apt-get install openjdk-17-jdk-headless liblucene8-java" in ended.stderr


def test_a_second_start_on_the_same_port_or_index_is_refused(one_stand_in: StandIn, tmp_path: Path) -> None:
    port = one_stand_in.root.rsplit(":", 1)[1].split("/")[0]
    home = requests.get(f"{one_stand_in.root}/admin/info/system", timeout=PATIENCE_S).json()["solr_home"]
    for words, told in ((["-p", port, "-s", str(tmp_path)], "can't listen"), (["-p", "0", "-s", home], "Lock held")):
        command = [STAND_IN, "start", "-f", *words]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
        assert ended.returncode == 1
        assert told in ended.stderr
