"""The list of error codes is complete: compared with what the code of all services can answer."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from contracts.credits import DeclineCode
from gateway.adapters.inbound.http.codes import CODES
from gateway.adapters.inbound.http.problems import DECLINES, PAYMENT_CODES

ROOT = Path(__file__).parent.parent
API = ROOT / "services/gateway/src/gateway"
DASHBOARD = API / "adapters/inbound/dashboard"
OWNERS = [ROOT / f"services/{name}/src" for name in ("credits", "jobs", "catalog", "billing")]
REFUSED = {"JobsRefused", "CatalogRefused", "BillingRefused"}


def calls(*folders: Path) -> Iterator[tuple[str, ast.Call]]:
    for path in (path for folder in folders for path in folder.rglob("*.py")):
        if path.is_relative_to(DASHBOARD):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                yield node.func.id, node


def texts(*arguments: ast.expr) -> set[str]:
    return {one.value for one in arguments if isinstance(one, ast.Constant) and isinstance(one.value, str)}


def told_by_the_gateway() -> set[str]:
    found: set[str] = set()
    for name, call in calls(API):
        if name == "Problem" and len(call.args) > 1:
            found |= texts(call.args[1])
        elif name == "NotFound":
            found |= {f"{what}_not_found" for what in texts(*call.args)}
        elif name in {"CannotFetch", "RecipeGone"}:
            found |= texts(call.args[0])
    return found | {"not_found", "method_not_allowed", "bad_request", "http_error"}


def told_by_owners() -> set[str]:
    found = set(get_args(DeclineCode))
    for name, call in calls(*OWNERS):
        if name in REFUSED:
            found |= texts(*(one.value for one in call.keywords if one.arg == "code"))
        elif name == "Refused":
            found |= texts(call.args[0])
        elif name == "refuse":
            found |= texts(call.args[3])
    return found | set(refusals())


def refusals() -> Iterator[str]:
    """Find the classes of refusals, each with a code of its own."""
    for path in (path for owner in OWNERS for path in owner.rglob("domain/*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and "Refusal" in {ast.unparse(base) for base in node.bases}:
                for line in node.body:
                    if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "code":
                        yield from texts(line.value)


def test_every_code_that_can_be_told_is_listed():
    assert told_by_the_gateway() | told_by_owners() <= set(CODES)


def test_every_code_that_is_listed_can_be_told():
    assert set(CODES) <= told_by_the_gateway() | told_by_owners()


def test_a_code_comes_with_the_status_it_is_listed_with():
    for name, call in calls(API):
        if name == "Problem" and len(call.args) > 1:
            for code in texts(call.args[1]):
                assert isinstance(call.args[0], ast.Constant)
                assert call.args[0].value in CODES[code].statuses, code


def test_a_no_of_another_service_comes_with_the_status_it_is_listed_with():
    usual = {code: 402 if code in PAYMENT_CODES else DECLINES.get(code, 409) for code in told_by_owners()}
    assert {code: status for code, status in usual.items() if status not in CODES[code].statuses} == {}
