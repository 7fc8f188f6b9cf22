"""What Schemathesis is told beside the description: what is there to be asked for, and what a no must be.

It loads this module in its own process, with ATELIER_URL and ATELIER_API_KEY in its environment.
"""

import json
import os
from typing import Any

import httpx
import schemathesis
from schemathesis import Case, CheckContext, HookContext, Response

# Rules about numbers, times and addresses that JSON Schema has no words for.
BEYOND_SCHEMAS = (
    "an image has at most 2 megapixels",
    "must be in the future",
    "must be the address of an image",
    "value is not a valid email address",
)


def _get(path: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {os.environ['ATELIER_API_KEY']}"}
    answer = httpx.get(os.environ["ATELIER_URL"] + path, headers=headers, timeout=30)
    found: dict[str, Any] = answer.raise_for_status().json()
    return found


DESCRIPTION = _get("/openapi.json")
REFERENCE_MODEL = _get("/api/reference-models?limit=1")["data"][0]["id"]
asked_with: dict[str, str] = {}


@schemathesis.hook
def before_call(context: HookContext, case: Case, kwargs: dict[str, Any]) -> None:
    """Use each idempotency key for one request only, and a reference model that is there."""
    if key := (case.headers or {}).get("Idempotency-Key"):
        asked = json.dumps([case.method, case.path, case.path_parameters, str(case.body)])
        if asked_with.setdefault(key, asked) != asked:
            del case.headers["Idempotency-Key"]
    if _fits(case) and isinstance(case.body, dict) and case.body.get("reference_model_id"):
        case.body["reference_model_id"] = REFERENCE_MODEL


@schemathesis.check
def what_fits_the_description_is_understood(ctx: CheckContext, response: Response, case: Case) -> None:
    """Allow `invalid_request` for what fits the schema only where no schema could have told."""
    if _fits(case) and _code(response) == "invalid_request":
        errors = response.json()["errors"]
        # A link of a stateful test may have carried the null of an answer into a path.
        told = [one for one in errors if not one["path"].startswith("path.")]
        assert all(any(words in one["message"] for words in BEYOND_SCHEMAS) for one in told), errors


@schemathesis.check
def the_code_of_every_problem_is_described(ctx: CheckContext, response: Response, case: Case) -> None:
    """Hold each refusal against the codes that the operation is said to refuse with."""
    code = _code(response)
    if code is None or response.request.method != case.operation.method.upper():
        return
    answer = DESCRIPTION["paths"][case.path][case.operation.method]["responses"].get(
        str(response.status_code)
    )
    if answer is not None:
        if "$ref" in answer:
            answer = DESCRIPTION["components"]["responses"][answer["$ref"].rpartition("/")[2]]
        described = answer["content"]["application/problem+json"]["examples"]
        assert code in described, f"{code} is none of {sorted(described)}"


def _fits(case: Case) -> bool:
    return case.meta is not None and case.meta.generation.mode.is_positive


def _code(response: Response) -> str | None:
    if response.headers.get("content-type", [""])[0] != "application/problem+json":
        return None
    code: str = response.json()["code"]
    return code
