"""The API against its own document: whatever schemathesis makes up, nothing fails in the console, and what comes back
is what was promised."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from circus_stack.web.api.document import document
from circus_stack.web.api.reference import all_routes
from tests.integration.web.console import Console

# circusd-stats does not run beside this stack: that this is said is what was promised.
_WITHOUT_STATISTICS = {"/api/v1/figures", "/api/v1/history", "/metrics"}
# What it makes up is not to be run, nor is a stranger to be logged out again and again.
_AS_A_STRANGER = {("POST", "/api/v1/watchers"), ("POST", "/api/v1/session")}


def _operations(directory: Path) -> list[tuple[str, str]]:
    found = document(all_routes(directory), "0")["paths"]
    return [(method.upper(), path) for path, operations in found.items() for method in operations]


@pytest.fixture(scope="module")
def headers(console: Console) -> dict[str, str]:
    return console.program_with("admin", "schemathesis").headers


@pytest.fixture(scope="module")
def api(console: Console, headers: dict[str, str]) -> Any:
    # Here, since each process of a run imports all files of tests, and this takes the better part of a second.
    import schemathesis

    visitor = console.visitor()
    visitor.headers |= headers
    schema = schemathesis.openapi.from_dict(visitor.ask("GET", "/api/v1/openapi.json")[1])
    schema.config.update(base_url=f"http://127.0.0.1:{console.port}")
    return schema


def test_every_route_keeps_its_promise(api: Any, headers: dict[str, str], tmp_path: Path) -> None:
    seen = []
    for result in api.get_all_operations():
        operation = result.ok()
        seen.append((operation.method.upper(), operation.path))
        _try(operation, headers)
    assert set(_operations(tmp_path)) <= set(seen)


def _try(operation: Any, headers: dict[str, str]) -> None:
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi import checks

    promises = [checks.status_code_conformance, checks.content_type_conformance, checks.response_schema_conformance]
    is_strange = (operation.method.upper(), operation.path) in _AS_A_STRANGER

    @given(case=operation.as_strategy())
    @settings(
        max_examples=8,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
        deadline=None,
        database=None,
        derandomize=True,
    )
    def check(case: Any) -> None:
        response = case.call(headers={"Host": headers["Host"]} if is_strange else headers, timeout=20)
        if response.status_code != 503 or case.path not in _WITHOUT_STATISTICS:
            case.validate_response(response, checks=[not_a_server_error, *promises])

    check()
