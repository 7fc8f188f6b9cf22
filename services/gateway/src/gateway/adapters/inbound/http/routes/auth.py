"""Signing up, in and out; passwords and e-mail addresses."""

from fastapi import APIRouter, Depends, Request, Response

from gateway.adapters.inbound.http.api import Ports
from gateway.adapters.inbound.http.bodies.people import (
    NewPasswordBody,
    PasswordBody,
    ResetBody,
    Session,
    SignInBody,
    SignUpBody,
    VerifyBody,
)
from gateway.adapters.inbound.http.caller import (
    IdempotencyKey,
    Person,
    SessionCookie,
    check_origin,
    device_of,
    fingerprint,
    replayed,
)
from gateway.adapters.inbound.http.description import also
from gateway.adapters.inbound.http.signing import forget_cookie, signed_in
from gateway.application.passwords import ask_reset, change_password, reset_password
from gateway.application.sign_in import sign_in, sign_out
from gateway.application.sign_up import SignUp, sign_up
from gateway.application.verify_email import send_verification, verify_email

# Nobody is signed in from another site's page, into whatever account.
router = APIRouter(tags=["auth"], dependencies=[Depends(check_origin)])


@router.post(
    "/auth/sign-up",
    status_code=201,
    response_model=Session,
    responses=also(202, "Signed up; the first credits are on their way", model=Session),
    name="sign_up",
)
async def post_sign_up(
    body: SignUpBody, request: Request, response: Response, api: Ports, key: IdempotencyKey = None
) -> Session:
    """Open an account with a team of its own; a session cookie is set, and a letter verifies the address."""
    public = body.model_copy(update={"password": ""})  # a fast hash of a password must not be stored
    wish = SignUp(
        name=body.name,
        email=body.email,
        password=body.password,
        team_name=body.team_name or f"{body.name}'s team"[:80],
        device=device_of(request),
        body_hash=fingerprint("sign_up", public),
        key=key,
    )
    signed = await sign_up(wish, api.identity, api.asking)
    replayed(request, again=signed.replayed)
    response.status_code = 201 if signed.ready else 202
    return await signed_in(signed.membership, signed.token, response, api)


@router.post("/auth/sign-in", name="sign_in")
async def post_sign_in(body: SignInBody, request: Request, response: Response, api: Ports) -> Session:
    """Open a session in the team used last; its cookie is set."""
    signed = await sign_in(body.email, body.password, device_of(request), api.identity)
    return await signed_in(signed.membership, signed.token, response, api)


@router.post(
    "/auth/sign-out",
    status_code=204,
    openapi_extra={"security": [{}]},  # needs none
    name="sign_out",
)
async def post_sign_out(
    request: Request, response: Response, api: Ports, session: SessionCookie = None
) -> None:
    """End the session; without one, nothing happens."""
    if session:
        await sign_out(session, device_of(request).address, api.identity)
    forget_cookie(response, api)


@router.post("/auth/password", status_code=204, name="change_password")
async def post_password(body: PasswordBody, caller: Person, api: Ports) -> None:
    """Change the password; all other sessions end. Needs a session."""
    await change_password(caller, body.current_password, body.new_password, api.identity)


@router.post("/auth/reset", status_code=202, response_class=Response, name="ask_password_reset")
async def post_reset(body: ResetBody, request: Request, api: Ports) -> None:
    """Send a link to choose a new password with; the answer is the same when there is no such account."""
    await ask_reset(body.email, device_of(request), api.identity)


@router.post("/auth/reset/confirm", status_code=204, name="reset_password")
async def post_new_password(body: NewPasswordBody, request: Request, api: Ports) -> None:
    """Choose a new password with the token of a letter's link; all sessions end."""
    await reset_password(body.token, body.password, device_of(request), api.identity)


@router.post("/auth/verify", status_code=204, name="verify_email")
async def post_verify(body: VerifyBody, request: Request, api: Ports) -> None:
    """Verify an e-mail address with the token of a letter's link."""
    await verify_email(body.token, device_of(request).address, api.identity)


@router.post("/auth/verify/resend", status_code=202, response_class=Response, name="resend_verification")
async def post_resend(caller: Person, api: Ports) -> None:
    """Send the letter with the link again; earlier links do not work any more. Needs a session."""
    await send_verification(caller, api.identity)
