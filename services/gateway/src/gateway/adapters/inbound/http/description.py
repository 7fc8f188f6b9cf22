"""The OpenAPI description: complete enough that a typed client made from it works."""

from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from gateway.adapters.inbound.http.completion import Described, complete

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


def also(status: int, words: str, **further: Any) -> Responses:  # noqa: ANN401 - as OpenAPI has it
    """Describe a further answer that is no problem."""
    return {status: {"description": words, **further}}


def operation_id(route: APIRoute) -> str:
    """Name the function of a generated client after ours."""
    return route.name


class DescribedApp(FastAPI):
    """An app whose description tells what the framework does not see too."""

    def openapi(self) -> Described:
        """Describe the app; built once."""
        if self.openapi_schema is None:
            self.openapi_schema = super().openapi()
            complete(self.openapi_schema)
        return self.openapi_schema
