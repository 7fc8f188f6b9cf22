"""Plans, payments and credits that are bought."""

from fastapi import APIRouter, Request

from chassis.http import Problem
from contracts.billing import Interval
from gateway.adapters.inbound.http.api import Api, Ports
from gateway.adapters.inbound.http.bodies.billing import (
    AutoTopUp,
    AutoTopUpBody,
    AutoTopUpOn,
    Billing,
    CheckoutBody,
    Offers,
    Page,
    PageUrl,
    PortalBody,
    TopUpBody,
)
from gateway.adapters.inbound.http.caller import (
    Biller,
    IdempotencyKey,
    Reader,
    fingerprint,
    replayed,
    wish,
)
from gateway.application.ask import Asked
from gateway.application.ask_billing import ask_auto_top_up, ask_checkout, ask_portal
from gateway.domain.permissions import Caller
from gateway.domain.requests import Kind
from gateway.domain.requests import Request as Wish

router = APIRouter(tags=["billing"])


@router.get("/plans", name="list_plans")
async def get_plans(_caller: Reader, api: Ports) -> Offers:
    """Compare the plans, and the packs of credits."""
    if (offers := await api.payments.offers()) is None:
        raise Problem(503, "plans_unknown", "The plans are not known yet.", headers={"Retry-After": "5"})
    return Offers.of(offers)


@router.get("/billing", name="get_billing")
async def get_billing(caller: Biller, api: Ports) -> Billing:
    """Show what the team pays for: plan, period, next invoice, invoices, and what is wrong."""
    return await _billing(caller, api)


@router.post("/billing/checkout", status_code=201, name="open_checkout")
async def post_checkout(
    body: CheckoutBody, caller: Biller, request: Request, api: Ports, key: IdempotencyKey = None
) -> Page:
    """Open the page where a plan is paid for; the team has it as soon as Stripe says that it is paid."""
    asked = _asked(caller, Kind.CHECKOUT, api, key, "checkout", body)
    return _page(await _pay(asked, body, api, plan=body.plan, interval=body.interval), request)


@router.post("/billing/top-ups", status_code=201, name="open_top_up")
async def post_top_up(
    body: TopUpBody, caller: Biller, request: Request, api: Ports, key: IdempotencyKey = None
) -> Page:
    """Open the page where a pack of credits is paid for."""
    asked = _asked(caller, Kind.CHECKOUT, api, key, "top-up", body)
    return _page(await _pay(asked, body, api, pack=body.pack), request)


@router.post("/billing/portal", status_code=201, name="open_portal")
async def post_portal(
    body: PortalBody, caller: Biller, request: Request, api: Ports, key: IdempotencyKey = None
) -> Page:
    """Open the page where the team changes its plan and card, and cancels."""
    asked = _asked(caller, Kind.PORTAL, api, key, "portal", body)
    return _page(await ask_portal(asked, _back(body.return_url, api), api.asking), request)


@router.put("/billing/auto-top-up", name="set_auto_top_up")
async def put_auto_top_up(
    body: AutoTopUpBody, caller: Biller, request: Request, api: Ports, key: IdempotencyKey = None
) -> AutoTopUp:
    """Have packs bought when the credits run low, with the card that was paid with before; or no more."""
    on = body if isinstance(body, AutoTopUpOn) else None
    answer = await ask_auto_top_up(
        _asked(caller, Kind.AUTO_TOP_UP, api, key, "auto top-up", body),
        enabled=body.enabled,
        threshold=on.threshold if on else 0,
        pack=on.pack if on else None,
        monthly_cap=on.monthly_cap if on else 0,
        asking=api.asking,
    )
    if not answer.granted:
        raise _pending()
    replayed(request, again=answer.replayed)
    return (await _billing(caller, api)).auto_top_up


def _asked(caller: Caller, kind: Kind, api: Api, key: str | None, *what: object) -> Wish:
    return wish(caller, kind, api.asking.clock(), fingerprint(*what), key, subject=caller.team_id)


async def _pay(
    asked: Wish,
    body: CheckoutBody | TopUpBody,
    api: Api,
    *,
    plan: str | None = None,
    interval: Interval = "month",
    pack: str | None = None,
) -> Asked:
    return await ask_checkout(
        asked,
        api.asking,
        plan=plan,
        interval=interval,
        pack=pack,
        success_url=_back(body.success_url, api),
        cancel_url=_back(body.cancel_url, api),
    )


async def _billing(caller: Caller, api: Api) -> Billing:
    if (found := await api.payments.billing(caller.team_id)) is None:
        raise Problem(
            503, "billing_unknown", "The team's plan is not known yet.", headers={"Retry-After": "2"}
        )
    return Billing.of(found)


def _back(wanted: PageUrl | None, api: Api) -> str:
    return wanted or f"{api.public_url}/credits"


def _page(answer: Asked, request: Request) -> Page:
    if answer.verdict is None or answer.verdict.url is None:
        raise _pending()
    replayed(request, again=answer.replayed)
    return Page(url=answer.verdict.url)


def _pending() -> Problem:
    words = "The answer is not there yet. Repeat the request with its Idempotency-Key."
    return Problem(503, "billing_pending", words, headers={"Retry-After": "2"})
