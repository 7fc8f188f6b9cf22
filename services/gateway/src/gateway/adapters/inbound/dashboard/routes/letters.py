"""Where the links in letters lead: a new password, a verified address, a place in a team."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from gateway.adapters.inbound.dashboard.forms import complaints
from gateway.adapters.inbound.dashboard.pages import part
from gateway.adapters.inbound.http.api import Api, Ports
from gateway.adapters.inbound.http.bodies.people import NewPasswordBody, ResetBody, VerifyBody
from gateway.adapters.inbound.http.bodies.teams import AcceptBody
from gateway.adapters.inbound.http.caller import (
    MaybePerson,
    SessionCookie,
    check_origin,
    device_of,
    identify,
)
from gateway.adapters.inbound.http.signing import give_cookie
from gateway.application.invite import (
    Newcomer,
    accept_as_member,
    accept_as_newcomer,
    look_at_invitation,
)
from gateway.application.manage_team import find_membership
from gateway.application.passwords import ask_reset, reset_password
from gateway.application.sign_in import sign_in
from gateway.application.verify_email import verify_email
from gateway.domain.asks import NotFound
from gateway.domain.people import EmailTaken, User
from gateway.domain.proofs import ProofInvalid
from gateway.domain.secrets import csrf_token

router = APIRouter()
Text = Annotated[str, Form(max_length=300)]


@router.get("/reset")
async def reset_page() -> Response:
    """Ask whose password was forgotten."""
    return part("reset.html", given={}, wrong={}, sent_to="")


@router.post("/reset")
async def reset_form(request: Request, api: Ports, email: Text = "") -> Response:
    """Send the letter; the answer is the same when there is no such account."""
    check_origin(request, api)
    try:
        body = ResetBody(email=email.strip())
    except ValidationError as error:
        return part("reset.html", 422, given={"email": email}, wrong=complaints(error), sent_to="")
    await ask_reset(body.email, device_of(request), api.identity)
    return part("reset.html", given={}, wrong={}, sent_to=body.email)


@router.get("/reset/{token}")
async def new_password_page(token: str) -> Response:
    """Ask for the new password."""
    return part("new-password.html", token=token, wrong={})


@router.post("/reset/{token}")
async def new_password_form(token: str, request: Request, api: Ports, password: Text = "") -> Response:
    """Set the new password and go in; everybody else who was in is out."""
    check_origin(request, api)
    try:
        body = NewPasswordBody(token=token, password=password)
        user = await reset_password(body.token, body.password, device_of(request), api.identity)
    except ValidationError as error:
        wrong = complaints(error)
        return (
            _useless_reset() if "token" in wrong else part("new-password.html", 422, token=token, wrong=wrong)
        )
    except ProofInvalid:
        return _useless_reset()
    signed = await sign_in(user.email, body.password, device_of(request), api.identity)
    return _enter(signed.token, api)


@router.get("/verify/{token}")
async def verify_page(token: str) -> Response:
    """Ask for one press of a button: programs that look at letters follow links, and press nothing."""
    return part("verify.html", token=token, verified="")


@router.post("/verify/{token}")
async def verify_form(token: str, request: Request, api: Ports) -> Response:
    """Take the address for verified."""
    check_origin(request, api)
    try:
        body = VerifyBody(token=token)
        user = await verify_email(body.token, device_of(request).address, api.identity)
    except (ValidationError, ProofInvalid):
        words = "To get another letter, sign in and choose “Send again” at the top of the page."
        return part("useless-link.html", 400, words=words, address="/", action="Go on to the studio")
    return part("verify.html", token=token, verified=user.email)


@router.get("/invitations/{token}")
async def invitation_page(token: str, api: Ports, session: SessionCookie = None) -> Response:
    """Show who is invited into which team, and the way in that fits whoever looks."""
    return await _invitation(token, api, session, status=200, given={}, wrong={})


@router.post("/invitations/{token}")
async def invitation_form(
    token: str,
    request: Request,
    api: Ports,
    caller: MaybePerson,
    session: SessionCookie = None,
    name: Text = "",
    password: Text = "",
) -> Response:
    """Join the team, as oneself or with a new account."""
    check_origin(request, api)
    try:
        if caller is not None:
            await accept_as_member(token, caller, api.identity)
            return RedirectResponse("/", 303)
        body = AcceptBody(name=name, password=password)
        newcomer = Newcomer(body.name, body.password)
        signed = await accept_as_newcomer(token, newcomer, device_of(request), api.identity)
    except ValidationError as error:
        wrong = complaints(error)
        return await _invitation(token, api, session, status=422, given={"name": name}, wrong=wrong)
    except NotFound:
        return _useless_invitation()
    except EmailTaken:
        return RedirectResponse(f"/invitations/{token}", 303)
    return _enter(signed.token, api)


async def _invitation(
    token: str,
    api: Api,
    session: str | None,
    *,
    status: int,
    given: dict[str, str],
    wrong: dict[str, str],
) -> Response:
    try:
        invitation, team, has_account = await look_at_invitation(token, api.identity)
    except NotFound:
        return _useless_invitation()
    return part(
        "invitation.html",
        status,
        token=token,
        invitation=invitation,
        team=team,
        has_account=has_account,
        me=await _person(api, session),
        csrf=csrf_token(session) if session else "",
        given=given,
        wrong=wrong,
    )


async def _person(api: Api, session: str | None) -> User | None:
    if (caller := await identify(api, None, session)) is None:
        return None
    return (await find_membership(caller.user_id, caller.team_id, api.identity.transaction)).user


def _useless_reset() -> Response:
    words = "Ask for another letter; only the newest link works."
    return part("useless-link.html", 400, words=words, address="/reset", action="Send another letter")


def _useless_invitation() -> Response:
    words = "It was accepted, revoked or replaced by a newer one. Ask whoever invited you for another."
    return part("useless-link.html", 404, words=words, address="/", action="Go on to the studio")


def _enter(token: str, api: Api) -> Response:
    answer = RedirectResponse("/", 303)
    give_cookie(answer, token, api)
    return answer
