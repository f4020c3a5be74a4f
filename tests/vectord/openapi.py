"""Holds exchanges with Qdrant, or with vectord in its place, against Qdrant's own OpenAPI description.

    client = QdrantClient(url=..., event_hooks=openapi.event_hooks())

makes every call of that client fail with an AssertionError where its request or its answer departs from the
description. Where the description is absent such a client checks nothing, and `validate_exchange` skips the test.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import jsonschema_rs
import pytest

DESCRIPTION = Path(__file__).resolve().parents[3] / "shared" / "specs" / "qdrant-openapi.json"
ANSWER_PARTS = {"result", "status", "time"}


def validate_exchange(
    method: str, path: str, request_json: Any, status: int, response_json: Any, query: str = ""
) -> None:
    """Raise AssertionError, naming the place, unless both bodies and the query parameters are as described.

    `path` is the request's path without its query; the bodies are decoded JSON, None where there is none.
    """
    operation, where = _operation(method, path)
    call = f"{method} {path}"
    parameters = {one["name"]: one["schema"] for one in operation.get("parameters", []) if one["in"] == "query"}
    for name, value in parse_qsl(query):
        assert name in parameters, f"{call}: the query parameter '{name}' is not described"
        typed = json.loads(value) if re.fullmatch(r"true|false|\d+", value) else value
        _check(f"{call}?{name}", f"{where}/query/{name}", parameters[name], typed)
    described = operation.get("requestBody")
    if request_json is not None:
        assert described is not None, f"{call}: a body was sent and none is described"
        _check(f"{call} request", f"{where}/request", described["content"]["application/json"]["schema"], request_json)
    elif described is not None:
        assert not described.get("required"), f"{call}: no body was sent and one is required"
    responses = operation["responses"]
    response = responses.get(str(status)) or responses.get(f"{status // 100}XX") or responses["default"]
    schema = response.get("content", {}).get("application/json", {}).get("schema")
    if schema is None:
        return
    _check(f"{call} answer", f"{where}/{status}", schema, response_json)
    if status == 200 and "status" in schema.get("properties", {}):
        missing = ANSWER_PARTS - response_json.keys()
        assert not missing, f"{call} answer: {', '.join(sorted(missing))} missing"


def event_hooks() -> dict[str, list[Any]]:
    """For `QdrantClient(url=..., event_hooks=event_hooks())`, or any other httpx client."""
    return {"response": [watch] if DESCRIPTION.exists() else []}


def watch(response: httpx.Response) -> None:
    """Raise AssertionError unless this answer and its request are as described."""
    response.read()
    request = response.request
    body = json.loads(request.content) if request.content else None
    answer = response.json() if response.headers.get("content-type", "").startswith("application/json") else None
    url = request.url
    validate_exchange(request.method, url.path, body, response.status_code, answer, url.query.decode())


@cache
def _description() -> dict[str, Any]:
    if not DESCRIPTION.exists():
        pytest.skip(f"needs Qdrant's OpenAPI description, {DESCRIPTION.name}, beside the project")
    return json.loads(DESCRIPTION.read_text())


@cache
def _components() -> dict[str, Any]:
    return _as_json_schema(_description()["components"])


def _operation(method: str, path: str) -> tuple[dict[str, Any], str]:
    """The described operation of a path; where several templates fit, the one with the fewest placeholders."""
    fitting = [
        template
        for template, verbs in _description()["paths"].items()
        if method.lower() in verbs and re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path)
    ]
    assert fitting, f"{method} {path} is not described"
    template = min(fitting, key=lambda one: one.count("{"))
    return _description()["paths"][template][method.lower()], f"{method} {template}"


_validators: dict[str, Any] = {}


def _check(call: str, where: str, schema: dict[str, Any], value: Any) -> None:
    if where not in _validators:
        whole = _as_json_schema(schema) | {"components": _components()}
        _validators[where] = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
    for error in _validators[where].iter_errors(value):
        place = "/".join(str(part) for part in error.instance_path)
        raise AssertionError(f"{call}, at '{place}': {error.message[:500]}")


def _as_json_schema(schema: Any) -> Any:
    """OpenAPI 3.0's `nullable` in the words of JSON Schema, which does not know it and would allow anything."""
    if isinstance(schema, list):
        return [_as_json_schema(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    converted = {key: _as_json_schema(value) for key, value in schema.items() if key not in ("nullable", "format")}
    if schema.get("format") in ("uuid", "date-time"):
        converted["format"] = schema["format"]
    if schema.get("nullable") is not True:
        return converted
    content = {key: value for key, value in converted.items() if key not in ("description", "default", "example")}
    return {"anyOf": [content, {"type": "null"}]} if content else {"type": "null"}
