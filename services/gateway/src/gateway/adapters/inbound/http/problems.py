"""How each fact that the core can raise is told to a client: a status, a stable code, and words."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from chassis.http import Problem, problem
from gateway.adapters.inbound.http.limits import TooManyStreams
from gateway.application.ask import Backlogged, Declined
from gateway.application.identity import InvalidCredentials, WrongPassword
from gateway.application.invite import NewcomerUnknown
from gateway.application.keep_images import MOST_IMAGES, TooManyImages
from gateway.application.ports import CannotFetch, KeysUnavailable, StoreUnavailable
from gateway.application.reading import EventsExpired
from gateway.application.receive_callback import Unreadable
from gateway.application.sending import AddressRefused
from gateway.domain.asks import (
    ModelBusy,
    ModelInUse,
    ModelNotReady,
    NotFound,
    QueueFull,
    TooLate,
    VersionNotFound,
)
from gateway.domain.callback import InvalidSignature
from gateway.domain.cursor import InvalidCursor
from gateway.domain.images import ImageGone, NotRepeatable, RecipeGone
from gateway.domain.people import (
    AlreadyMember,
    EmailTaken,
    HandOverFirst,
    LastOwner,
    NameMismatch,
    OwnersOnly,
    TooManyTeams,
    WrongAddress,
)
from gateway.domain.permissions import EmailNotVerified, NotPermitted
from gateway.domain.proofs import ProofInvalid
from gateway.domain.requests import KeyReused
from gateway.domain.stripe_signature import NotFromStripe
from gateway.domain.throttle import TooManyAttempts
from gateway.domain.webhooks import MOST_ENDPOINTS, EndpointDisabled, TooManyEndpoints

NOWHERE = "The address may be mistyped, or what was there is gone."
PAYMENT_CODES = frozenset({"insufficient_credits", "key_budget_exceeded", "max_credits_exceeded"})
DECLINES = {
    "not_found": 404,
    "pack_not_found": 404,
    "plan_not_found": 404,
    "not_allowed": 403,
    "gone": 410,
    "too_many_exports": 429,
}


def _declined(error: Declined) -> Problem:
    verdict = error.verdict
    status = 402 if verdict.code in PAYMENT_CODES else DECLINES.get(verdict.code, 409)
    numbers = {"required": verdict.required, "spendable": verdict.spendable}
    headers = {"Idempotency-Replayed": "true"} if error.replayed else {}
    headers |= {"Retry-After": "30"} if status == 429 else {}
    known = {name: number for name, number in numbers.items() if number is not None}
    return Problem(status, verdict.code, str(error), headers=headers, **known)


PROBLEMS: dict[type[Exception], Callable[[Any], Problem]] = {
    Declined: _declined,
    NotFound: lambda e: Problem(404, f"{e.what}_not_found", str(e)),
    VersionNotFound: lambda _: Problem(409, "version_not_found", "The model has no such version."),
    ModelNotReady: lambda _: Problem(409, "model_not_ready", "The model has no trained version yet."),
    ModelBusy: lambda _: Problem(409, "model_busy", "Another version of the model is being trained."),
    ModelInUse: lambda _: Problem(
        409, "model_in_use", "Jobs with this model are open. Wait for them, or send cancel_jobs=true."
    ),
    ImageGone: lambda _: Problem(410, "gone", "The image was deleted or has expired."),
    NotRepeatable: lambda _: Problem(
        409, "not_repeatable", "Only a generation can be made again: this job trained a model."
    ),
    RecipeGone: lambda e: Problem(409, e.code, str(e)),
    TooManyImages: lambda _: Problem(
        422, "too_many_images", f"An export holds at most {MOST_IMAGES} images. Ask for several."
    ),
    TooLate: lambda _: Problem(409, "too_late", "The job has ended already."),
    QueueFull: lambda e: Problem(
        429,
        "queue_full",
        str(e),
        headers={"Retry-After": "5"},
        reason=e.reason,
        open=e.open,
        allowed=e.allowed,
    ),
    Backlogged: lambda _: Problem(503, "backlog", "Too much is waiting.", headers={"Retry-After": "10"}),
    KeyReused: lambda _: Problem(
        422, "idempotency_key_reused", "This Idempotency-Key was used for another request."
    ),
    EmailTaken: lambda _: Problem(409, "email_taken", "Somebody has signed up with this address already."),
    WrongPassword: lambda _: Problem(403, "wrong_password", "The password is wrong."),
    ProofInvalid: lambda _: Problem(
        400, "link_invalid", "The link is wrong, too old, or was used already. Ask for another one."
    ),
    WrongAddress: lambda _: Problem(
        403, "wrong_address", "The invitation is for another address. Sign in with that one."
    ),
    NewcomerUnknown: lambda _: Problem(
        401, "not_authenticated", "Sign in first, or send a name and a password for a new account."
    ),
    AlreadyMember: lambda _: Problem(409, "already_member", "Whoever has this address is in the team."),
    OwnersOnly: lambda _: Problem(403, "owners_only", "Only owners decide about owners."),
    LastOwner: lambda _: Problem(
        409, "last_owner", "A team needs an owner. Make somebody else one first, or close the team."
    ),
    HandOverFirst: lambda _: Problem(
        409,
        "hand_over_first",
        "Others work in the team. Make one of them an owner and leave, or remove them.",
    ),
    NameMismatch: lambda _: Problem(422, "name_mismatch", "Type the name of the team as it is."),
    TooManyTeams: lambda _: Problem(409, "too_many_teams", "You own as many teams as one person may."),
    InvalidCredentials: lambda _: Problem(401, "invalid_credentials", "Address or password is wrong."),
    TooManyAttempts: lambda e: Problem(
        429, "too_many_attempts", str(e), headers={"Retry-After": str(e.retry_after)}
    ),
    NotPermitted: lambda e: Problem(403, "not_permitted", str(e), permissions=list(e.permissions)),
    EmailNotVerified: lambda _: Problem(
        403,
        "email_not_verified",
        "Verify your e-mail address first: follow the link in the letter, or ask for another one.",
    ),
    InvalidCursor: lambda _: Problem(400, "invalid_cursor", "This cursor does not belong to this list."),
    EventsExpired: lambda e: Problem(410, "events_expired", str(e), oldest=str(e.oldest)),
    InvalidSignature: lambda _: Problem(401, "invalid_signature", "Not signed by the provider, or too old."),
    NotFromStripe: lambda _: Problem(
        400, "invalid_signature", "Not signed by Stripe, signed too long ago, or seen before."
    ),
    KeysUnavailable: lambda _: Problem(
        503, "keys_unavailable", "The provider's keys are not known now.", headers={"Retry-After": "30"}
    ),
    CannotFetch: lambda e: Problem(422, e.code, str(e)),
    StoreUnavailable: lambda _: Problem(
        503, "store_unavailable", "The image cannot be kept now.", headers={"Retry-After": "10"}
    ),
    TooManyStreams: lambda e: Problem(
        429,
        "too_many_streams",
        f"A team may have {e.allowed} event streams open here. Close one first.",
        headers={"Retry-After": "10"},
    ),
    AddressRefused: lambda e: Problem(422, "address_refused", str(e)),
    EndpointDisabled: lambda _: Problem(
        409, "endpoint_disabled", "The endpoint is disabled. Enable it again first, with PATCH."
    ),
    TooManyEndpoints: lambda _: Problem(
        409, "too_many_endpoints", f"A team may have {MOST_ENDPOINTS} webhook endpoints. Delete one first."
    ),
    Unreadable: lambda _: Problem(400, "unreadable", "The body is not text in UTF-8."),
}


def told(error: Exception) -> Problem | None:
    """Tell of a fact that the core has raised; None when it is none."""
    if isinstance(error, Problem):
        return error
    tell = next((PROBLEMS[kind] for kind in type(error).__mro__ if kind in PROBLEMS), None)
    return tell(error) if tell else None


def install(app: FastAPI) -> None:
    """Let facts be raised anywhere below `app`."""
    for kind, told in PROBLEMS.items():
        app.add_exception_handler(kind, _handler(told))
    app.add_exception_handler(Problem, _handler(lambda error: error))
    app.add_exception_handler(RequestValidationError, _handler(invalid))
    app.add_exception_handler(HTTPException, _handler(unusual))


def _handler(told: Callable[[Any], Problem]) -> Callable[[Request, Exception], Any]:
    async def handle(_request: Request, error: Exception) -> Response:
        return problem(told(error))

    return handle


def invalid(error: RequestValidationError) -> Problem:
    """Tell what is wrong with a request, field by field."""
    found = [
        {
            "path": ".".join(str(part) for part in one["loc"]),
            "message": str(one["msg"]).removeprefix("Value error, "),  # pydantic's word before our own
        }
        for one in error.errors()[:20]
    ]
    first = f"{found[0]['path']}: {found[0]['message']}" if found else "The request is invalid."
    return Problem(422, "invalid_request", first, errors=found)


def unusual(error: HTTPException) -> Problem:
    """Tell what the framework found: no such page, not this method."""
    codes = {404: "not_found", 405: "method_not_allowed", 400: "bad_request"}
    # The framework's own words for an address that nothing serves say no more than the status.
    detail = error.detail if error.detail != "Not Found" else NOWHERE
    return Problem(
        error.status_code,
        codes.get(error.status_code, "http_error"),
        detail,
        headers=dict(error.headers or {}),
    )
