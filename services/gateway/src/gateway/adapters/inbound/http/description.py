"""The OpenAPI description: complete enough that a typed client made from it works."""

from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from gateway.adapters.inbound.http.bodies.common import Problem

TITLE = "Atelier API"
ABOUT = """
An API-first studio for AI images. Pick a reference model, make a model of your own from it, refine it version
by version, and generate images with it. Every operation costs credits; what was not delivered is not charged.

* **Authentication**: an API key (`Authorization: Bearer atl_...`) or a session cookie.
* **Idempotency**: a POST with an `Idempotency-Key` can be repeated safely for 24 hours.
* **Errors** are `application/problem+json` with a stable `code`.
* **Prices** are known before: `POST /api/credits/quotes` offers a price that binds, `quote_id` takes the
  offer up, and `max_credits` on any request that spends is a ceiling.
* **Lists** return `data` and `next_cursor`.
* **Documents** have an `ETag`; with `If-None-Match` what has not changed is a 304.
* **Limits** by plan: `RateLimit-*` headers, 429 with `Retry-After`.
"""
Responses = dict[int | str, dict[str, Any]]
_WORDS = {
    400: "The request cannot be understood",
    401: "Not authenticated",
    402: "Too few credits; carries `required` and `spendable`",
    403: "Not permitted",
    404: "There is no such thing in this team",
    408: "The body did not come in time",
    409: "Not possible in this state; among others `quote_expired`, `quote_mismatch`, `account_frozen`",
    410: "No longer kept",
    413: "The body is too large",
    422: "Invalid, or the Idempotency-Key was used for another request",
    429: "Too many requests, attempts or open jobs; carries `Retry-After`",
    503: "Unavailable for the moment; carries `Retry-After`",
}


def problems(*statuses: int) -> Responses:
    """Describe the problems an endpoint can answer with."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": _WORDS[status], "content": content} for status in sorted(statuses)}


KNOWN = problems(401, 403, 422, 429, 503)
ASKING = problems(402, 404, 409, 413)


def also(status: int, words: str, **further: Any) -> Responses:  # noqa: ANN401 - as OpenAPI has it
    """Describe a further answer that is no problem."""
    return {status: {"description": words, **further}}


def operation_id(route: APIRoute) -> str:
    """Name the function of a generated client after ours."""
    return route.name


def _describe_conditions(schema: dict[str, Any]) -> None:
    """Tell of each document that it is not sent again to who has it already."""
    tag = {"ETag": {"description": "Names this answer", "schema": {"type": "string"}}}
    condition = {
        "name": "If-None-Match",
        "in": "header",
        "description": "The `ETag` of an earlier answer: 304 while nothing has changed",
        "schema": {"type": "string"},
    }
    for path in schema["paths"].values():
        answers = path.get("get", {}).get("responses", {})
        if "application/json" in answers.get("200", {}).get("content", {}):
            answers["200"]["headers"] = tag | answers["200"].get("headers", {})
            answers.setdefault("304", {"description": "Not modified", "headers": tag})
            parameters = path["get"].setdefault("parameters", [])
            if "if-none-match" not in {one["name"].lower() for one in parameters}:
                parameters.append(condition)


class Described(FastAPI):
    """An app whose description knows that errors are problem details."""

    def openapi(self) -> dict[str, Any]:
        """Describe the app; built once."""
        if self.openapi_schema is None:
            self.openapi_schema = super().openapi()
            schemas = self.openapi_schema["components"]["schemas"]
            schemas["Problem"] = Problem.model_json_schema(mode="serialization")
            _describe_conditions(self.openapi_schema)
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            _limit_bodies(self.openapi_schema)
        return self.openapi_schema


def _limit_bodies(described: dict[str, Any]) -> None:
    """Say of each operation that takes a body that it may be too large or slow; one layer refuses it."""
    for path in described["paths"].values():
        for operation in path.values():
            if "requestBody" in operation:
                operation["responses"] |= {str(status): told for status, told in problems(408, 413).items()}
