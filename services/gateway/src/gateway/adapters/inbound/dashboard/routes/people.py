"""Coming in and going out."""

from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from chassis.ids import new_id
from gateway.adapters.inbound.dashboard.forms import complaints
from gateway.adapters.inbound.dashboard.pages import part
from gateway.adapters.inbound.http.api import Api, Ports
from gateway.adapters.inbound.http.bodies.people import SignInBody, SignUpBody
from gateway.adapters.inbound.http.caller import SessionCookie, check_origin, device_of, fingerprint, identify
from gateway.adapters.inbound.http.signing import forget_cookie, give_cookie
from gateway.application.identity import InvalidCredentials
from gateway.application.sign_in import SignedIn, sign_in, sign_out
from gateway.application.sign_up import SignUp, sign_up
from gateway.domain.people import EmailTaken

router = APIRouter()
Next = Annotated[str, Query(alias="next", max_length=500)]
Text = Annotated[str, Form(max_length=300)]


@router.get("/sign-in")
async def sign_in_page(api: Ports, session: SessionCookie = None, there: Next = "") -> Response:
    """Show the way in; who is in already goes on."""
    if await identify(api, None, session):
        return RedirectResponse(_inside(there), 303)
    return part("sign-in.html", there=there, given={}, wrong={})


@router.post("/sign-in")
async def sign_in_form(
    request: Request, api: Ports, email: Text = "", password: Text = "", there: Annotated[str, Form()] = ""
) -> Response:
    """Open a session, or say why not, with what was typed still there."""
    check_origin(request, api)
    given = {"email": email}
    try:
        body = SignInBody(email=email.strip(), password=password)
        signed = await sign_in(body.email, body.password, device_of(request), api.identity)
    except ValidationError as error:
        return part("sign-in.html", 422, there=there, given=given, wrong=complaints(error))
    except InvalidCredentials:
        wrong = {"password": "The address or the password is wrong."}
        return part("sign-in.html", 401, there=there, given=given, wrong=wrong)
    return _enter(signed, _inside(there), api)


@router.get("/sign-up")
async def sign_up_page(api: Ports, session: SessionCookie = None) -> Response:
    """Show how to join."""
    if await identify(api, None, session):
        return RedirectResponse("/", 303)
    return part("sign-up.html", given={"key": new_id()}, wrong={})


@router.post("/sign-up")
async def sign_up_form(
    request: Request,
    api: Ports,
    name: Text = "",
    email: Text = "",
    password: Text = "",
    key: Text = "",
) -> Response:
    """Open an account with a team of its own, and go on to the first image."""
    check_origin(request, api)
    given: dict[str, Any] = {"name": name, "email": email, "key": key}
    try:
        body = SignUpBody(name=name, email=email.strip(), password=password)
        signed = await sign_up(_wish(body, request, key), api.identity, api.asking)
    except ValidationError as error:
        return part("sign-up.html", 422, given=given, wrong=complaints(error))
    except EmailTaken:
        wrong = {"email": "Somebody has signed up with this address already. Is it you? Sign in."}
        return part("sign-up.html", 409, given=given, wrong=wrong)
    return _enter(signed, "/", api)


@router.post("/sign-out")
async def sign_out_form(
    request: Request,
    api: Ports,
    session: SessionCookie = None,
    there: Annotated[str, Form()] = "/sign-in",
) -> Response:
    """End the session, and go on to another page of ours."""
    check_origin(request, api)
    if session:
        await sign_out(session, device_of(request).address, api.identity)
    gone = RedirectResponse(_inside(there), 303)
    forget_cookie(gone, api)
    return gone


def _wish(body: SignUpBody, request: Request, key: str) -> SignUp:
    public = body.model_copy(update={"password": ""})  # a fast hash of a password must not be stored
    return SignUp(
        name=body.name,
        email=body.email,
        password=body.password,
        team_name=f"{body.name}'s team"[:80],
        device=device_of(request),
        body_hash=fingerprint("sign_up", public),
        key=key or None,
    )


def _enter(signed: SignedIn, there: str, api: Api) -> Response:
    answer = RedirectResponse(there, 303)
    give_cookie(answer, signed.token, api)
    return answer


def _inside(there: str) -> str:
    """Take only an address within the dashboard."""
    parts = urlsplit(there)
    inside = there.startswith("/") and not there.startswith(("//", "/\\")) and not parts.netloc
    return there if inside else "/"
