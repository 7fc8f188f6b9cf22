"""The description is good enough to make a client from: valid, explained, with examples and every error."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from pydantic import ValidationError

from gateway.adapters.inbound.http.app import create_app
from gateway.adapters.inbound.http.bodies.common import Strict
from gateway.adapters.inbound.http.codes import CODES
from gateway.adapters.inbound.http.refusals import REFUSALS

DESCRIPTION: dict[str, Any] = json.loads(json.dumps(create_app().openapi()))
SCHEMAS = DESCRIPTION["components"]["schemas"]
OPERATIONS = {one["operationId"]: one for path in DESCRIPTION["paths"].values() for one in path.values()}
# Their bodies are written by others.
FROM_OUTSIDE = {"receive_fal_webhook", "receive_stripe_webhook"}
# What is told of no operation: where there is none, what is wrong with us, and what the schemas rule out.
OF_NO_OPERATION = {
    "method_not_allowed",
    "http_error",
    "internal_error",
    "nothing_chosen",
    "threshold_too_low",
}
# Repeated, they do what was done already, or send one more letter.
REPEATABLE = {
    *("sign_in", "sign_out", "change_password", "ask_password_reset", "reset_password", "verify_email"),
    *("resend_verification", "switch_team", "accept_invitation", "activate_version", "delete_images"),
    *("pin_image", "redeliver_webhook", "receive_fal_webhook", "receive_stripe_webhook"),
}


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in part:
        _, kind, name = part["$ref"].rsplit("/", 2)
        part = DESCRIPTION["components"][kind][name]
    return part


def examples(schema: dict[str, Any]) -> list[object]:
    several = schema.get("oneOf") or schema.get("anyOf") or [schema]
    known = [schema, *(resolved(part) for part in several)]
    return [example for one in known for example in one.get("examples", [])]


def bodies() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, one in OPERATIONS.items():
        if "requestBody" in one:
            yield name, one["requestBody"]["content"]["application/json"]["schema"]


def answers() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for name, one in OPERATIONS.items():
        for status, answer in one["responses"].items():
            yield name, status, resolved(answer)


def described(name: str) -> set[tuple[str, str]]:
    """List the codes of an operation, with their statuses."""
    found: set[tuple[str, str]] = set()
    for status, answer in OPERATIONS[name]["responses"].items():
        content = resolved(answer).get("content", {}).get("application/problem+json", {})
        found |= {(code, status) for code in content.get("examples", {})}
    return found


def allows(schema: dict[str, Any], value: object) -> bool:
    whole = {"$ref": "#/here", "here": schema, "components": {"schemas": SCHEMAS}}
    return Draft202012Validator(whole).is_valid(value)


def test_the_description_is_valid_openapi():
    validate(DESCRIPTION)


def test_every_operation_is_explained_and_its_name_reads_as_a_function():
    lacking = [
        (name, what)
        for name, one in OPERATIONS.items()
        for what in ("summary", "description", "tags")
        if not one.get(what)
    ]
    assert lacking == []
    assert [name for name in OPERATIONS if not re.fullmatch(r"[a-z]+(_[a-z]+)*", name)] == []
    assert len(OPERATIONS) > 70


def test_every_body_has_an_example():
    assert [name for name, one in bodies() if name not in FROM_OUTSIDE and not examples(one)] == []
    assert len(list(bodies())) > 25


def test_every_answer_has_an_example():
    lacking = [
        (name, status)
        for name, status, answer in answers()
        for kind, told in answer.get("content", {}).items()
        if kind == "application/json" and name not in FROM_OUTSIDE and not examples(told["schema"])
    ]
    assert lacking == []


def test_every_example_is_what_its_schema_allows():
    wrong = [
        (name, one) for name, schema in SCHEMAS.items() for one in examples(schema) if not allows(schema, one)
    ]
    assert wrong == []
    assert sum(bool(examples(schema)) for schema in SCHEMAS.values()) > 70


def test_every_answer_says_what_it_is_and_every_error_is_a_problem():
    for name, status, answer in answers():
        content = answer.get("content", {})
        assert answer["description"], (name, status)
        assert [kind for kind, told in content.items() if told.get("schema") == {}] == [], (name, status)
        if status >= "400":
            told = content["application/problem+json"]["schema"]
            assert told == {"$ref": "#/components/schemas/Problem"}, (name, status)
            assert content["application/problem+json"]["examples"], (name, status)
    assert set(SCHEMAS["Problem"]["required"]) == {"type", "title", "status", "code", "detail", "request_id"}


def test_every_code_is_told_of_the_operations_that_answer_it():
    told = {code for name in OPERATIONS for code, _ in described(name)}
    assert told == set(CODES) - OF_NO_OPERATION
    assert set(REFUSALS) <= set(OPERATIONS)


def test_a_code_comes_with_the_statuses_it_is_listed_with():
    for name in OPERATIONS:
        for code, status in described(name):
            assert int(status) in CODES[code].statuses, (name, code)


def test_the_example_of_a_code_is_a_problem_with_it():
    for code, example in DESCRIPTION["components"]["examples"].items():
        assert example["value"]["code"] == code
        assert allows(SCHEMAS["Problem"], example["value"])
    assert set(DESCRIPTION["components"]["examples"]) == set(CODES)


def test_the_codes_of_a_generation_are_these():
    assert sorted(described("generate")) == [
        ("account_frozen", "409"),
        ("backlog", "503"),
        ("bad_request", "400"),
        ("body_too_large", "413"),
        ("body_too_slow", "408"),
        ("cross_origin", "403"),
        ("csrf_token_invalid", "403"),
        ("email_not_verified", "403"),
        ("idempotency_key_reused", "422"),
        ("insufficient_credits", "402"),
        ("invalid_request", "422"),
        ("job_not_found", "404"),
        ("key_budget_exceeded", "402"),
        ("max_credits_exceeded", "402"),
        ("model_not_found", "404"),
        ("model_not_ready", "409"),
        ("not_authenticated", "401"),
        ("not_permitted", "403"),
        ("queue_full", "429"),
        ("quote_expired", "409"),
        ("quote_mismatch", "409"),
        ("rate_limited", "429"),
        ("reference_model_not_found", "404"),
        ("too_late", "409"),
        ("unavailable", "503"),
        ("upload_not_found", "404"),
        ("version_not_found", "409"),
    ]


def test_a_post_takes_an_idempotency_key_unless_repeating_it_does_no_harm():
    posts = {
        one["operationId"]: one for path in DESCRIPTION["paths"].values() for one in [path.get("post")] if one
    }
    without = {
        name
        for name, one in posts.items()
        if "Idempotency-Key" not in {parameter["name"] for parameter in one.get("parameters", [])}
    }
    assert without == REPEATABLE


def test_every_answer_to_a_caller_tells_what_is_left_and_what_to_look_up():
    for name, status, answer in answers():
        told = set(answer["headers"])
        assert "X-Request-Id" in told
        assert ("Retry-After" in told) == (status in {"429", "503"}), (name, status)
    assert {"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "ETag"} <= set(
        OPERATIONS["get_job"]["responses"]["200"]["headers"]
    )


@pytest.mark.parametrize("name", ["sign_out", "accept_invitation"])
def test_needs_no_session(name: str):
    assert {} in OPERATIONS[name]["security"]


IMAGE, MODEL = (
    {"reference_model_id": "0199f3a0-5d7e-7c3a-9a52-3f1d2b4c5e6f"},
    "0199f3a0-5d7e-7c3a-9a52-3f1d2b4c5e6f",
)
UPLOADS = [f"uploads/{MODEL}/{n}{MODEL[1:]}" for n in range(4)]


@pytest.mark.parametrize(
    ("body", "value", "allowed"),
    [
        ("GenerateBody", IMAGE | {"prompt": "a gull"}, True),
        ("GenerateBody", IMAGE | {"prompt": "a gull", "model_id": None, "version": None}, True),
        ("GenerateBody", {"model_id": MODEL, "version": 2, "prompts": ["a gull"]}, True),
        ("GenerateBody", {"prompt": "a gull"}, False),
        ("GenerateBody", IMAGE | {"prompt": "a gull", "model_id": MODEL}, False),
        ("GenerateBody", IMAGE | {"prompt": "a gull", "version": 2}, False),
        ("GenerateBody", IMAGE, False),
        ("GenerateBody", IMAGE | {"prompt": None, "prompts": []}, False),
        ("GenerateBody", IMAGE | {"prompt": "a gull", "prompts": ["a tern"]}, False),
        ("GenerateBody", IMAGE | {"prompt": "  "}, False),
        ("CompareBody", {"prompt": "a gull", "versions": [1, 2]}, True),
        ("CompareBody", {"prompt": "a gull", "versions": [1, 1]}, False),
        ("QuoteItemBody", {"operation": "generate_images", "quantity": 4, "quality": "high"}, True),
        ("QuoteItemBody", {"operation": "create_model", "quantity": 1}, True),
        ("QuoteItemBody", {"operation": "create_model", "quantity": 2}, False),
        ("QuoteItemBody", {"operation": "refine_model", "quality": "high"}, False),
        ("ExportBody", {"jobs": [MODEL]}, True),
        ("ExportBody", {"images": [], "jobs": []}, False),
        ("CreateModelBody", IMAGE | {"name": "Ada", "description": "a gull"}, True),
        ("CreateModelBody", {"name": "Ada", "upload_keys": UPLOADS}, True),
        ("CreateModelBody", {"name": "Ada", "upload_keys": UPLOADS[:3]}, False),
        ("CreateModelBody", {"name": "Ada", "upload_keys": UPLOADS[:3] * 2}, False),
        ("CreateModelBody", IMAGE | {"name": "Ada", "description": " "}, False),
        ("RefineModelBody", {"instructions": "softer light"}, True),
        ("RefineModelBody", {"instructions": " ", "upload_keys": []}, False),
        ("UpdateModelBody", {"name": None, "description": ""}, True),
        ("UpdateModelBody", {"name": None}, False),
        ("MeBody", {"name": "Ada"}, True),
        ("MeBody", {"email": "ada@example.com", "password": "a long password"}, True),
        ("MeBody", {"name": "Ada", "email": "ada@example.com"}, False),
        ("MeBody", {"notices": []}, True),
        ("MeBody", {"notices": None}, False),
        ("MeBody", {}, False),
        ("TeamBody", {"name": "two\nlines"}, False),
        ("TeamBody", {"name": "\x8a"}, False),
        ("TeamBody", {"name": "\u00e8 \x90 \u011f"}, False),
        ("GenerateBody", IMAGE | {"prompt": "\x00"}, False),
        ("GenerateBody", IMAGE | {"prompt": "a gull", "seed": 2**53 - 1}, True),
        ("GenerateBody", IMAGE | {"prompt": "a gull", "seed": 2**53}, False),
        ("GenerateBody", IMAGE | {"prompt": "a gull", "seed": "18446744073709551615"}, True),
        ("AutoTopUpOn", {"enabled": True, "threshold": 1.0, "pack": "small", "monthly_cap": 1}, True),
        ("AutoTopUpOn", {"enabled": 1, "threshold": 1, "pack": "small", "monthly_cap": 1}, False),
        ("AutoTopUpOff", {"enabled": False}, True),
        ("AutoTopUpOff", {"enabled": 0}, False),
        ("AutoTopUpOn", {"enabled": False, "threshold": 1, "pack": "small", "monthly_cap": 1}, False),
    ],
)
def test_the_rules_between_fields_are_in_the_schema_and_are_those_that_are_kept(body, value, allowed):
    assert allows(SCHEMAS[body], value) is allowed
    assert understands(body, value) is allowed


def understands(body: str, value: object) -> bool:
    """Tell whether the class behind a schema takes a value."""
    kept = {kind.__name__: kind for kind in _kinds(Strict)}[body]
    try:
        kept.model_validate(value)
    except ValidationError:
        return False
    return True


def _kinds(kind: type) -> Iterator[type]:
    for one in kind.__subclasses__():
        yield one
        yield from _kinds(one)
