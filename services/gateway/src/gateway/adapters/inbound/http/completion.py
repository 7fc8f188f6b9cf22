"""What a description tells beside what the framework sees: every problem, headers, conditions."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from gateway.adapters.inbound.http.bodies.common import Problem
from gateway.adapters.inbound.http.codes import CODES
from gateway.adapters.inbound.http.refusals import REFUSALS

Described = dict[str, Any]
_WORDS = {
    400: "The request cannot be understood",
    401: "Not authenticated",
    402: "Too few credits; carries `required` and `spendable`",
    403: "Not permitted",
    404: "There is no such thing in this team",
    408: "The body did not come in time",
    409: "Not possible in this state",
    410: "No longer kept",
    413: "The body is too large",
    422: "Invalid, or the Idempotency-Key was used for another request",
    429: "Too many requests, attempts or open jobs",
    503: "Unavailable for the moment",
}
_PAGE = re.compile(r"PageOf_(\w+)_")
_SAFE = frozenset({"get", "head"})


def complete(description: Described) -> None:
    """Tell of each operation its problems, conditions and headers."""
    components = description["components"]
    components["schemas"]["Problem"] = Problem.model_json_schema(mode="serialization")
    components["examples"] = {code: _example(code) for code in CODES}
    components["headers"] = _HEADERS
    _show_answers(components["schemas"])
    for unused in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(unused, None)
    for path in description["paths"].values():
        for method, operation in path.items():
            _describe_problems(method, operation)
            _describe_conditions(method, operation)
            _describe_headers(operation)
    components["responses"] = _share(description["paths"])


def _show_answers(schemas: Described) -> None:
    """Give each answer an example; that of a page holds one of its items."""
    known = json.loads((files(__package__) / "examples.json").read_text())
    for name, schema in schemas.items():
        if page := _PAGE.fullmatch(name):
            schema["examples"] = [{"data": [known[page[1]]], "next_cursor": None}]
        elif name in known:
            schema["examples"] = [known[name]]


def _describe_problems(method: str, operation: Described) -> None:
    """Tell every code an operation can be refused with, by its status, each with an example."""
    answers: Described = operation["responses"]
    answers.pop("422", None)  # the framework's own words for it
    for named in sorted({*_usual(method, operation), *REFUSALS.get(operation["operationId"], "").split()}):
        code, _, status = named.partition(":")
        number = int(status or CODES[code].statuses[0])
        schema = {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}
        content = {"application/problem+json": schema}
        answer = answers.setdefault(str(number), {"description": _WORDS[number], "content": content})
        answer["content"]["application/problem+json"]["examples"][code] = {
            "$ref": f"#/components/examples/{code}"
        }
    operation["responses"] = dict(sorted(answers.items()))


def _usual(method: str, operation: Described) -> Iterator[str]:
    """Tell what follows from what an operation takes, and who may call it."""
    yield "unavailable"
    parameters = {one["name"] for one in operation.get("parameters", ())}
    known = [kind for one in operation.get("security", ()) for kind in one]
    if parameters or "requestBody" in operation:
        yield "invalid_request"
    if "requestBody" in operation:
        yield from ("bad_request", "body_too_large", "body_too_slow")
    if "cursor" in parameters:
        yield "invalid_cursor"
    if "Idempotency-Key" in parameters:
        yield "idempotency_key_reused"
    if "apiKey" in known:
        yield from ("not_authenticated", "not_permitted", "rate_limited")
    if method not in _SAFE and "webhooks in" not in operation["tags"]:
        yield "cross_origin"
        if "session" in known:
            yield "csrf_token_invalid"


def _example(code: str) -> Described:
    """Show a problem with this code."""
    known = CODES[code]
    shown = {
        "type": f"urn:atelier:problem:{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": known.statuses[0],
        "code": code,
        "detail": known.means,
        "request_id": "0199a3c4-5d6e-7f80-9a1b-2c3d4e5f6071",
    }
    return {"summary": known.do, "value": shown}


def _describe_conditions(method: str, operation: Described) -> None:
    """Tell of each document that it is not sent again to who has it already."""
    answers = operation["responses"]
    if method != "get" or "application/json" not in answers.get("200", {}).get("content", {}):
        return
    tag = {"ETag": {"$ref": "#/components/headers/ETag"}}
    answers["200"]["headers"] = tag | answers["200"].get("headers", {})
    answers.setdefault("304", {"description": "Not modified", "headers": tag})
    parameters = operation.setdefault("parameters", [])
    if "if-none-match" not in {one["name"].lower() for one in parameters}:
        parameters.append(_CONDITION)


def _describe_headers(operation: Described) -> None:
    """Tell which headers come with which answers."""
    known = [kind for one in operation.get("security", ()) for kind in one]
    repeats = "Idempotency-Key" in {one["name"] for one in operation.get("parameters", ())}
    for status, answer in operation["responses"].items():
        names = ["X-Request-Id"]
        if status in {"429", "503"}:
            names.append("Retry-After")
        if "apiKey" in known and (status < "400" or status == "429"):
            names += ["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"]
        if repeats and status < "300":
            names.append("Idempotency-Replayed")
        told = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
        answer["headers"] = told | answer.get("headers", {})


def _share(paths: Described) -> Described:
    """Put what most operations answer with a status in one place, and refer to it; returns what is shared."""
    answers = [
        (one["responses"], status)
        for path in paths.values()
        for one in path.values()
        for status in one["responses"]
        if status >= "400"
    ]
    seen = Counter((status, json.dumps(told[status])) for told, status in answers)
    shared = {status: text for (status, text), times in reversed(seen.most_common()) if times > 1}
    for told, status in answers:
        if shared.get(status) == json.dumps(told[status]):
            told[status] = {"$ref": f"#/components/responses/Problem{status}"}
    return {f"Problem{status}": json.loads(text) for status, text in sorted(shared.items())}


def _header(words: str, kind: str = "string", *, required: bool = True) -> Described:
    return {"description": words, "required": required, "schema": {"type": kind}}


_HEADERS = {
    "X-Request-Id": _header("Finds the request in our logs; the one that was sent, or a new one"),
    "Retry-After": _header("In how many seconds to ask again", "integer"),
    "RateLimit-Limit": _header("Requests a minute that the plan allows", "integer", required=False),
    "RateLimit-Remaining": _header("Requests that can be sent now", "integer", required=False),
    "RateLimit-Reset": _header("In how many seconds all are there again", "integer", required=False),
    "Idempotency-Replayed": _header("`true` when this repeats an earlier answer", required=False),
    "ETag": _header("Names this answer, for `If-None-Match`", required=False),
}
_CONDITION = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The `ETag` of an earlier answer: 304 while nothing has changed",
    "schema": {"type": "string"},
}
