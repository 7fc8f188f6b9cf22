"""Signing up, in and out."""

from fastapi import APIRouter, Request, Response

from gateway.adapters.inbound.http.api import Api, Ports
from gateway.adapters.inbound.http.bodies.credits import Balance
from gateway.adapters.inbound.http.bodies.people import Me, Session, SignInBody, SignUpBody, team_of, user_of
from gateway.adapters.inbound.http.caller import (
    COOKIE,
    IdempotencyKey,
    Identified,
    SessionCookie,
    fingerprint,
    replayed,
)
from gateway.adapters.inbound.http.description import also, problems
from gateway.application.sign_in import SESSIONS_LAST, SignedIn, sign_in, sign_out
from gateway.application.sign_up import SignUp, sign_up
from gateway.domain.asks import NotFound

router = APIRouter(tags=["auth"])


@router.post(
    "/auth/sign-up",
    status_code=201,
    response_model=Session,
    responses=also(202, "Signed up; the first credits are on their way", model=Session) | problems(409),
    name="sign_up",
)
async def post_sign_up(
    body: SignUpBody, request: Request, response: Response, api: Ports, key: IdempotencyKey = None
) -> Session:
    """Open an account with a team of its own; a session cookie is set."""
    public = body.model_copy(update={"password": ""})  # a fast hash of a password must not be stored
    wish = SignUp(
        name=body.name,
        email=body.email,
        password=body.password,
        team_name=body.team_name or f"{body.name}'s team"[:80],
        address=_address(request),
        body_hash=fingerprint("sign_up", public),
        key=key,
    )
    signed = await sign_up(wish, api.sign_ups, api.passwords, api.asking)
    replayed(request, again=signed.replayed)
    response.status_code = 201 if signed.ready else 202
    return await _session(signed, response, api)


@router.post("/auth/sign-in", name="sign_in")
async def post_sign_in(body: SignInBody, request: Request, response: Response, api: Ports) -> Session:
    """Open a session; its cookie is set."""
    signed = await sign_in(
        body.email,
        body.password,
        _address(request),
        limit=api.sign_ins,
        passwords=api.passwords,
        transaction=api.asking.transaction,
        clock=api.asking.clock,
    )
    return await _session(signed, response, api)


@router.post("/auth/sign-out", status_code=204, name="sign_out")
async def post_sign_out(response: Response, api: Ports, session: SessionCookie = None) -> None:
    """End the session; without one, nothing happens."""
    if session:
        await sign_out(session, api.asking.transaction)
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax", secure=api.secure_cookies)


@router.get("/me", name="get_me")
async def get_me(caller: Identified, api: Ports) -> Me:
    """Tell who asks, and what they may do."""
    async with api.asking.transaction() as work:
        membership = await work.people.by_id(caller.user_id, caller.team_id)
    if membership is None:
        raise NotFound("user")
    return Me(
        user=user_of(membership),
        team=team_of(membership),
        via="api_key" if caller.key else "session",
        permissions=sorted(caller.permissions),
    )


async def _session(signed: SignedIn, response: Response, api: Api) -> Session:
    response.set_cookie(
        COOKIE,
        signed.token,
        max_age=int(SESSIONS_LAST.total_seconds()),
        path="/",
        httponly=True,
        samesite="lax",
        secure=api.secure_cookies,
    )
    standing = await api.views.standing(signed.membership.team.id)
    return Session.of(signed.membership, Balance.standing(standing) if standing.account else None)


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"
