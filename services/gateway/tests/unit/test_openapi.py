"""The description is good enough to make a client from: valid, explained, with examples and every error."""

import json
from typing import Any

from openapi_spec_validator import validate

from gateway.adapters.inbound.http.app import create_app

DESCRIPTION: dict[str, Any] = json.loads(json.dumps(create_app().openapi()))
SCHEMAS = DESCRIPTION["components"]["schemas"]
OPERATIONS = {one["operationId"]: one for path in DESCRIPTION["paths"].values() for one in path.values()}
# Their bodies are written by others.
FROM_OUTSIDE = {"receive_fal_webhook", "receive_stripe_webhook"}


def examples(operation: dict[str, Any]) -> list[object]:
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    several = schema.get("oneOf") or schema.get("anyOf") or [schema]
    known = [schema, *(SCHEMAS[part["$ref"].rpartition("/")[2]] for part in several if "$ref" in part)]
    return [example for one in known for example in one.get("examples", [])]


def test_the_description_is_valid_openapi():
    validate(DESCRIPTION)


def test_every_operation_is_explained():
    lacking = [
        (name, what)
        for name, one in OPERATIONS.items()
        for what in ("summary", "description", "tags")
        if not one.get(what)
    ]
    assert lacking == []
    assert len(OPERATIONS) > 70


def test_every_body_has_an_example_and_may_be_too_large():
    bodies = {name: one for name, one in OPERATIONS.items() if "requestBody" in one}
    assert [name for name, one in bodies.items() if name not in FROM_OUTSIDE and not examples(one)] == []
    refused = {"408", "413"}
    assert [name for name, one in bodies.items() if not refused <= one["responses"].keys()] == []
    assert len(bodies) > 25


def test_every_error_is_a_problem_with_a_code_and_every_answer_says_what_it_is():
    for name, one in OPERATIONS.items():
        for status, answer in one["responses"].items():
            content = answer.get("content", {})
            assert answer["description"], (name, status)
            assert [kind for kind, told in content.items() if told.get("schema") == {}] == [], (name, status)
            if status >= "400":
                told = content["application/problem+json"]["schema"]
                assert told == {"$ref": "#/components/schemas/Problem"}, (name, status)
    assert set(SCHEMAS["Problem"]["required"]) == {"type", "title", "status", "code", "detail", "request_id"}


def test_signing_out_needs_no_session():
    assert {} in OPERATIONS["sign_out"]["security"]
