"""One's own account: name, address, letters, password, devices, and its end."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Query, Response
from pydantic import ValidationError

from gateway.adapters.inbound.dashboard.forms import complaints
from gateway.adapters.inbound.dashboard.pages import page, part
from gateway.adapters.inbound.dashboard.visitor import Acting, Visiting
from gateway.adapters.inbound.http.api import Ports
from gateway.adapters.inbound.http.bodies.people import DeleteMeBody, Device, MeBody, PasswordBody
from gateway.adapters.inbound.http.signing import forget_cookie
from gateway.application.manage_account import (
    change_email,
    choose_notices,
    delete_account,
    rename_account,
)
from gateway.application.manage_sessions import end_other_sessions, end_session, list_sessions
from gateway.application.passwords import change_password
from gateway.application.verify_email import send_verification
from gateway.domain.people import EmailTaken, Topic

router = APIRouter()
Text = Annotated[str, Form(max_length=300)]
DONE = {
    "name": "Your name is changed.",
    "email": "A letter with a link is on its way to the new address. Until you follow it, the old one stays.",
    "notices": "What you get letters about is changed.",
    "password": "Your password is changed. All other devices are signed out.",
    "session": "That device is signed out.",
    "sessions": "All other devices are signed out.",
}


@router.get("/account")
async def account(me: Visiting, api: Ports, done: Annotated[str, Query(max_length=20)] = "") -> Response:
    """Show the account, and where it is signed in."""
    devices = [Device.of(one, me.caller.session_id) for one in await list_sessions(me.caller, api.identity)]
    return page("account.html", me, title="Account", devices=devices, done=DONE.get(done, ""))


@router.post("/account/name")
async def rename(caller: Acting, api: Ports, name: Text = "") -> Response:
    """Change the name."""
    try:
        body = MeBody(name=name)
    except ValidationError as error:
        return part("parts/complaints.html", 422, complaints=complaints(error))
    await rename_account(caller, body.name or "", api.identity)
    return _done("name")


@router.post("/account/email")
async def readdress(caller: Acting, api: Ports, email: Text = "", password: Text = "") -> Response:
    """Ask for another address; it counts once the link sent there is followed."""
    try:
        body = MeBody(email=email.strip(), password=password)
        await change_email(caller, body.email or "", body.password or "", api.identity)
    except ValidationError as error:
        return part("parts/complaints.html", 422, complaints=complaints(error))
    except EmailTaken:
        wrong = {"email": "Somebody else has signed up with this address."}
        return part("parts/complaints.html", 409, complaints=wrong)
    return _done("email")


@router.post("/account/letter")
async def letter(caller: Acting, api: Ports) -> Response:
    """Send the letter that verifies the address again."""
    await send_verification(caller, api.identity)
    return part("parts/done.html", words="A new letter is on its way. Only the link in the newest one works.")


@router.post("/account/notices")
async def notices(
    caller: Acting, api: Ports, topics: Annotated[tuple[Topic, ...], Form(max_length=len(Topic))] = ()
) -> Response:
    """Choose what the team writes letters about."""
    await choose_notices(caller, topics, api.identity)
    return _done("notices")


@router.post("/account/password")
async def new_password(
    caller: Acting, api: Ports, current_password: Text = "", new_password: Text = ""
) -> Response:
    """Change the password, and end all other sessions."""
    try:
        body = PasswordBody(current_password=current_password, new_password=new_password)
    except ValidationError as error:
        return part("parts/complaints.html", 422, complaints=complaints(error))
    await change_password(caller, body.current_password, body.new_password, api.identity)
    return _done("password")


@router.delete("/account/sessions")
async def sign_others_out(caller: Acting, api: Ports) -> Response:
    """Sign all other devices out."""
    await end_other_sessions(caller, api.identity)
    return _done("sessions")


@router.delete("/account/sessions/{session_id}")
async def sign_device_out(session_id: UUID, caller: Acting, api: Ports) -> Response:
    """Sign one device out."""
    await end_session(session_id, caller, api.identity)
    return _done("session")


@router.post("/account/delete")
async def delete(caller: Acting, api: Ports, password: Text = "") -> Response:
    """Delete the account, with the teams nobody else is in."""
    try:
        body = DeleteMeBody(password=password)
    except ValidationError as error:
        return part("parts/complaints.html", 422, complaints=complaints(error))
    await delete_account(caller, body.password, api.identity)
    answer = Response(headers={"HX-Redirect": "/sign-in"})
    forget_cookie(answer, api)
    return answer


def _done(what: str) -> Response:
    return Response(headers={"HX-Redirect": f"/account?done={what}"})
