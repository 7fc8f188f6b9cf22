"""Paying: every button leads to a page of Stripe's, and what is paid there shows up here by itself."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from pydantic import BaseModel, ValidationError

from chassis.http import Problem
from gateway.adapters.inbound.dashboard.forms import complaints
from gateway.adapters.inbound.dashboard.pages import part
from gateway.adapters.inbound.dashboard.visitor import Acting
from gateway.adapters.inbound.http.api import Api, Ports
from gateway.adapters.inbound.http.bodies.billing import AutoTopUpOff, AutoTopUpOn, CheckoutBody, TopUpBody
from gateway.adapters.inbound.http.caller import fingerprint, wish
from gateway.application.ask import Asked
from gateway.application.ask_billing import ask_auto_top_up, ask_checkout, ask_portal
from gateway.domain.permissions import Caller, Permission
from gateway.domain.requests import Kind
from gateway.domain.requests import Request as Wish

router = APIRouter()
Text = Annotated[str, Form(max_length=300)]
CENTS = 100


@router.post("/billing/checkout")
async def choose_plan(
    caller: Acting, api: Ports, plan: Text = "", interval: Text = "month", key: Text = ""
) -> Response:
    """Go on to where a plan is paid for."""
    caller.require(Permission.BILLING)
    try:
        body = CheckoutBody.model_validate({"plan": plan, "interval": interval})
    except ValidationError as error:
        return part("parts/complaints.html", 422, complaints=complaints(error))
    # One page a choice: another plan on the same page is another wish.
    asked = _asked(caller, Kind.CHECKOUT, body, _of(key, body.plan, body.interval), api)
    back, cancelled = _back(api, "plan")
    return _go(
        await ask_checkout(
            asked,
            api.asking,
            plan=body.plan,
            interval=body.interval,
            success_url=back,
            cancel_url=cancelled,
        )
    )


@router.post("/billing/top-ups")
async def buy_pack(caller: Acting, api: Ports, pack: Text = "", key: Text = "") -> Response:
    """Go on to where a pack of credits is paid for."""
    caller.require(Permission.BILLING)
    try:
        body = TopUpBody.model_validate({"pack": pack})
    except ValidationError as error:
        return part("parts/complaints.html", 422, complaints=complaints(error))
    asked = _asked(caller, Kind.CHECKOUT, body, _of(key, body.pack), api)
    back, cancelled = _back(api, "pack")
    return _go(await ask_checkout(asked, api.asking, pack=body.pack, success_url=back, cancel_url=cancelled))


@router.post("/billing/portal")
async def open_portal(caller: Acting, api: Ports) -> Response:
    """Go on to where plan and card are changed."""
    caller.require(Permission.BILLING)
    asked = _asked(caller, Kind.PORTAL, "portal", None, api)
    return _go(await ask_portal(asked, f"{api.public_url}/credits", api.asking))


@router.post("/billing/auto-top-up")
async def set_auto_top_up(request: Request, caller: Acting, api: Ports) -> Response:
    """Have packs bought when the credits run low, or no more."""
    caller.require(Permission.BILLING)
    form = await request.form()
    try:
        body = _wanted({name: str(value) for name, value in form.items()})
    except ValidationError as error:
        return part("parts/complaints.html", 422, complaints=complaints(error))
    on = body if isinstance(body, AutoTopUpOn) else None
    answer = await ask_auto_top_up(
        _asked(caller, Kind.AUTO_TOP_UP, body, None, api),
        enabled=body.enabled,
        threshold=on.threshold if on else 0,
        pack=on.pack if on else None,
        monthly_cap=on.monthly_cap if on else 0,
        asking=api.asking,
    )
    if not answer.granted:
        raise _pending()
    return Response(headers={"HX-Redirect": f"/credits?done={'auto' if on else 'no-auto'}"})


def _wanted(form: dict[str, str]) -> AutoTopUpOn | AutoTopUpOff:
    """Read a form, in which money is in whole units. Raises ValidationError."""
    if form.get("enabled") != "true":
        return AutoTopUpOff(enabled=False)
    known: dict[str, Any] = {"enabled": True, "pack": form.get("pack", "")}
    for name, factor in (("threshold", 1), ("monthly_cap", CENTS)):
        given = form.get(name, "").strip()
        known[name] = int(given) * factor if given.isdecimal() else given
    return AutoTopUpOn.model_validate(known)


def _asked(caller: Caller, kind: Kind, body: BaseModel | str, key: str | None, api: Api) -> Wish:
    hashed = fingerprint(f"page {kind}", body)
    return wish(caller, kind, api.asking.clock(), hashed, key, subject=caller.team_id)


def _of(key: str, *choice: str) -> str | None:
    return "-".join((key, *choice)) if key else None


def _back(api: Api, what: str) -> tuple[str, str]:
    return f"{api.public_url}/credits?paid={what}", f"{api.public_url}/credits?paid=nothing"


def _go(answer: Asked) -> Response:
    if answer.verdict is None or answer.verdict.url is None:
        raise _pending()
    return Response(headers={"HX-Redirect": answer.verdict.url})


def _pending() -> Problem:
    words = "The payment page takes longer than usual. Nothing was charged; press the button again."
    return Problem(503, "billing_pending", words, headers={"Retry-After": "2"})
