"""Who asks: an API key or a session, checked for what it may do, and counted."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Annotated
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import Depends, Header, Request, Security
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel
from starlette.types import Scope

from chassis.http import Problem
from chassis.ids import new_id
from gateway.adapters.inbound.http.api import Api, Ports
from gateway.adapters.inbound.http.limits import rate_headers
from gateway.domain.asks import Spending
from gateway.domain.people import Device
from gateway.domain.permissions import Caller, Permission
from gateway.domain.requests import Kind, Verdict
from gateway.domain.requests import Request as Wish
from gateway.domain.secrets import KEY_PREFIX, hash_of, is_csrf_token

COOKIE = "atelier_session"
_BEARER = HTTPBearer(auto_error=False, scheme_name="apiKey", description="An API key: `atl_...`")
_SESSION = APIKeyCookie(
    name=COOKIE, auto_error=False, scheme_name="session", description="Set by signing in; for browsers"
)
Bearer = Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)]
SessionCookie = Annotated[str | None, Security(_SESSION)]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="Repeating a request with the same key within 24 hours repeats the answer, not the work",
    ),
]
CSRF_HEADER, CSRF_FIELD = "X-CSRF-Token", "csrf_token"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_FOREIGN = frozenset({"cross-site", "same-site"})
# What a form of any site can be sent as, without the browser asking first.
_FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"})
_LONGEST_AGENT = 200


async def _identified(request: Request, api: Ports, bearer: Bearer, session: SessionCookie) -> Caller:
    caller = await identify(api, bearer.credentials if bearer else None, session)
    if caller is None:
        raise Problem(
            401, "not_authenticated", "Sign in, or send an API key.", headers={"WWW-Authenticate": "Bearer"}
        )
    if bearer is None and session is not None:
        check_origin(request, api)
        await _check_form(request, session)
    count(request.scope, caller, api)
    return replace(caller, address=device_of(request).address)


def count(scope: Scope, caller: Caller, api: Api) -> None:
    """Count a request, and let its answer tell how many are left. Raises Problem when there are none."""
    allowance = api.limiter.take(caller.team_id, caller.per_minute)
    scope.setdefault("state", {})["headers"] = rate_headers(allowance)
    if not allowance.allowed:
        raise Problem(429, "rate_limited", f"Your plan allows {allowance.limit} requests a minute.")


async def _maybe(request: Request, api: Ports, session: SessionCookie) -> Caller | None:
    caller = await identify(api, None, session)
    if caller is None or session is None:
        return None
    check_origin(request, api)
    await _check_form(request, session)
    return replace(caller, address=device_of(request).address)


async def identify(api: Api, key: str | None, session: str | None) -> Caller | None:
    """Find out who is behind a credential; an API key comes before a session."""
    now = api.asking.clock()
    if key is not None:
        return await api.callers.by_key(hash_of(key), now) if key.startswith(KEY_PREFIX) else None
    return await api.callers.by_session(hash_of(session), now) if session else None


def check_origin(request: Request, api: Ports) -> None:
    """Refuse what another site makes a browser send; the cookie alone proves nothing."""
    if request.method in _SAFE:
        return
    origin = request.headers.get("origin")
    if origin is None:
        foreign = request.headers.get("sec-fetch-site") in _FOREIGN
    else:
        ours = {request.headers.get("host"), urlsplit(api.identity.site).netloc}
        foreign = urlsplit(origin).netloc not in ours
    if foreign:
        raise Problem(403, "cross_origin", "Requests from other sites need an API key.")


async def _check_form(request: Request, session: str) -> None:
    """Refuse a form that was not made for this session: a browser sends forms from anywhere, with cookies."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.method in _SAFE or kind not in _FORMS:
        return
    given = request.headers.get(CSRF_HEADER)
    if given is None and kind != "text/plain":
        field = (await request.form()).get(CSRF_FIELD)
        given = field if isinstance(field, str) else None
    if given is None or not is_csrf_token(given, session):
        raise Problem(403, "csrf_token_invalid", "The form is too old. Load the page again.")


def device_of(request: Request) -> Device:
    """Say where a request comes from."""
    address = request.client.host if request.client else "unknown"
    return Device(address, request.headers.get("user-agent", "")[:_LONGEST_AGENT])


def _who_may(*permissions: Permission) -> Callable[[Caller], Awaitable[Caller]]:
    async def check(caller: Annotated[Caller, Depends(_identified)]) -> Caller:
        return caller.require(*permissions)

    return check


Identified = Annotated[Caller, Depends(_identified)]
MaybePerson = Annotated[Caller | None, Depends(_maybe)]
"""A person with a session, or somebody unknown."""
Reader = Annotated[Caller, Depends(_who_may(Permission.READ))]
Generator = Annotated[Caller, Depends(_who_may(Permission.GENERATE))]
ModelMaker = Annotated[Caller, Depends(_who_may(Permission.MODELS))]
Maker = Annotated[Caller, Depends(_who_may(Permission.GENERATE, Permission.MODELS))]
"""Whoever makes images or models: both upload, and cancel what they may start."""
Biller = Annotated[Caller, Depends(_who_may(Permission.BILLING))]
TeamManager = Annotated[Caller, Depends(_who_may(Permission.MANAGE_TEAM))]
WebhookManager = Annotated[Caller, Depends(_who_may(Permission.MANAGE_WEBHOOKS))]
ActivityReader = Annotated[Caller, Depends(_who_may(Permission.SEE_ACTIVITY))]
KeyManager = Annotated[Caller, Depends(_who_may(Permission.MANAGE_KEYS))]
TeamCloser = Annotated[Caller, Depends(_who_may(Permission.CLOSE_TEAM))]
Person = Annotated[Caller, Depends(_who_may(Permission.OWN_ACCOUNT))]
"""A person with a session; an API key is none."""
Leaver = Annotated[Caller, Depends(_who_may(Permission.MANAGE_TEAM, Permission.OWN_ACCOUNT))]
"""Whoever manages the team, or at least their own place in it."""


def fingerprint(*parts: object) -> bytes:
    """Reduce what is asked to what is compared when an idempotency key comes again."""
    texts = (part.model_dump_json() if isinstance(part, BaseModel) else str(part) for part in parts)
    return sha256("\n".join(texts).encode()).digest()


def wish(
    caller: Caller,
    kind: Kind,
    now: datetime,
    body_hash: bytes,
    key: str | None = None,
    *,
    subject: UUID | None = None,
    jobs: int = 0,
    verdict: Verdict | None = None,
) -> Wish:
    """Write down what a caller asks for; ids of jobs, and of a new subject, are made here."""
    new_jobs = tuple(new_id() for _ in range(jobs))
    return Wish(
        id=new_id(),
        kind=kind,
        scope=caller.team_id,
        team_id=caller.team_id,
        user_id=caller.user_id,
        subject=subject or (new_jobs[0] if kind is Kind.GENERATE else new_id()),
        body_hash=body_hash,
        created_at=now,
        key=key,
        jobs=new_jobs,
        verdict=verdict,
    )


def spending(caller: Caller, max_credits: int | None, quote_id: UUID | None) -> Spending:
    """Say who spends, and on what conditions. Raises EmailNotVerified."""
    caller.require_verified()
    return Spending(caller.team_id, caller.user_id, caller.key, max_credits, quote_id)


def replayed(request: Request, *, again: bool) -> None:
    """Mark an answer that repeats an earlier one."""
    if again:
        request.state.headers = {**getattr(request.state, "headers", {}), "Idempotency-Replayed": "true"}
