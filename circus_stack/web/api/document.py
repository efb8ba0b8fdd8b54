"""The OpenAPI document of the API, made from the declared routes: what is not declared is not promised. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from circus_stack.web.api.route import Reply, Request, Route

_REF = "#/components/schemas/{name}"
_VARIABLE = re.compile(r"{(\w+)}")
_ERRORS = {400: "what was sent is not valid", 401: "nobody is logged in", 403: "the role does not suffice"}
_OF_BODIES = {413: "the body is too large", 415: "the body is not application/json"}
_OF_NAMES = {421: "the Host header names no name of this console"}
_OF_STACK = {409: "the stack refuses it", 502: "the arbiter's answer makes no sense", 503: "nobody answers"}
_OF_STACK |= {504: "the arbiter has not answered in time; what was asked for may go on"}
_INTRODUCTION = (
    "Sees and steers one circus-stack. Programs send `Authorization: Bearer TOKEN` (`circus-stack token add NAME "
    "--role ROLE`); browsers log in at /session and show its `csrf` in the header X-CSRF-Token with each change. "
    "Roles: view sees, operate starts and stops, admin changes what runs."
)


class Error(msgspec.Struct, frozen=True):
    """What was wrong: `option` names the part of the request, if it is one."""

    status: int
    reason: str
    option: str | None


class ErrorReply(msgspec.Struct, frozen=True):
    """The body of every error."""

    error: Error


def document_route(routes: Iterable[Route], version: str) -> Route:
    """The route that serves the document of these, and of itself."""
    found: list[Route] = []

    def show(_request: Request) -> Reply:
        return Reply(fields=document(found, version))

    own = Route(
        method="GET", path="/openapi.json", summary="This document.", handler=show, reply=dict[str, Any], tag="stack"
    )
    found.extend([*routes, own])
    return own


def document(routes: Iterable[Route], version: str) -> dict[str, Any]:
    """OpenAPI 3.1, in plain values."""
    routes = list(routes)
    types = [each for route in routes for each in (route.body, route.reply) if each is not None]
    queries = [route.query for route in routes if route.query is not None]
    schemas, components = msgspec.json.schema_components([*types, *queries, ErrorReply], ref_template=_REF)
    by_type = dict(zip(map(repr, [*types, *queries]), schemas, strict=False))
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.address, {})[route.method.lower()] = _operation(route, by_type, components)
    return {
        "openapi": "3.1.0",
        "info": {"title": "circus-stack", "version": version, "description": _INTRODUCTION},
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
        "security": [{"bearer": []}],
    }


def _operation(route: Route, by_type: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": f"{route.method.lower()}{re.sub(r'[^a-z]+', '_', route.path)}".rstrip("_"),
        "summary": route.summary,
        "description": "For anybody." if route.role is None else f"Takes the role `{route.role}`.",
        "tags": [route.tag],
        "parameters": [*_path_parameters(route), *_query_parameters(route, by_type, components)],
        "responses": _responses(route, by_type),
    }
    if route.role is None:
        found["security"] = []
    if route.body is not None:
        content = {"application/json": {"schema": by_type[repr(route.body)]}}
        found["requestBody"] = {"required": True, "content": content}
    return found


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    schema = {"type": "string", "minLength": 1}
    return [{"name": name, "in": "path", "required": True, "schema": schema} for name in _VARIABLE.findall(route.path)]


def _query_parameters(route: Route, by_type: dict[str, Any], components: dict[str, Any]) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    schema = by_type[repr(route.query)]
    record = components[schema["$ref"].rpartition("/")[2]]
    required = record.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in required, "schema": each}
        for name, each in record["properties"].items()
    ]


def _responses(route: Route, by_type: dict[str, Any]) -> dict[str, Any]:
    right: dict[str, Any] = {"description": "Done." if route.reply is None else "What was asked for."}
    if route.reply is not None:
        right["content"] = {route.media: {"schema": by_type[repr(route.reply)]}}
    if route.headers:
        right["headers"] = {
            name: {"description": f"{what[:1].upper()}{what[1:]}.", "schema": {"type": "string"}}
            for name, what in route.headers.items()
        }
    found = {str(route.status): right}
    if route.status == 202:
        found = {"200": right, "202": {**right, "description": "It was accepted, and goes on."}}
    errors = {**_ERRORS, **_OF_NAMES, **_OF_STACK, **(_OF_BODIES if route.body is not None else {}), **route.statuses}
    for status, when in sorted(errors.items()):
        schema = {"$ref": _REF.format(name="ErrorReply")}
        found[str(status)] = {
            "description": f"{when[:1].upper()}{when[1:]}.",
            "content": {"application/json": {"schema": schema}},
        }
    return found
