"""The Stripe part of the control API: faults, webhooks, disputes and refunds, the clock."""

from collections.abc import Callable, Iterable
from typing import Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from sandbox.bodies import changed, parsed, shown
from sandbox.stripe import disputes, refunds
from sandbox.stripe.account import Obj
from sandbox.stripe.errors import StripeError
from sandbox.stripe.faults import Rule
from sandbox.stripe.service import Stripe
from sandbox.stripe.webhooks import Order

_RULES: TypeAdapter[list[Rule]] = TypeAdapter(list[Rule])


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Dispute(_Strict):
    charge: str = Field(description="a charge, or the payment intent it was for")
    amount: int | None = None
    reason: str = "fraudulent"
    inquiry: bool = False


class _Closing(_Strict):
    outcome: Literal["won", "lost"]


class _Refund(_Strict):
    charge: str = Field(description="a charge, or the payment intent it was for")
    amount: int | None = Field(None, ge=1)
    reason: Literal["duplicate", "fraudulent", "requested_by_customer"] | None = None


class _Advance(_Strict):
    seconds: int = Field(0, ge=0)
    days: float = Field(0, ge=0)


class _Flush(_Strict):
    order: Order = "as_happened"
    seed: int | None = None


class Collecting(_Strict):
    """When invoices are collected, and what happens when they cannot be."""

    retry_days: list[int] = Field([3, 5, 7], description="after each refused try, until the next")
    after_retries: Literal["cancel", "unpaid", "past_due"] = "cancel"
    renewal_seconds: int = Field(
        3600, ge=0, description="between a renewal and the finalizing of its invoice"
    )
    upcoming_days: int = Field(7, ge=0, description="how long before a renewal invoice.upcoming is said")


def control_routes(stripe: Stripe) -> Iterable[web.RouteDef]:
    """Return the routes under `/stripe` that steer the stand-in given."""
    control = _Control(stripe)
    return [
        web.post("/stripe/reset", control.reset),
        web.get("/stripe/faults", control.get_faults),
        web.put("/stripe/faults", control.put_faults),
        web.get("/stripe/webhooks", control.get_delivering),
        web.put("/stripe/webhooks", control.put_delivering),
        web.post("/stripe/webhooks/flush", control.flush),
        web.get("/stripe/deliveries", control.list_deliveries),
        web.post("/stripe/deliveries/{key}/redeliver", control.redeliver),
        web.get("/stripe/collecting", control.get_collecting),
        web.put("/stripe/collecting", control.put_collecting),
        web.get("/stripe/clock", control.get_clock),
        web.post("/stripe/clock", control.advance_clock),
        web.post("/stripe/disputes", control.open_dispute),
        web.post("/stripe/disputes/{key}/close", control.close_dispute),
        web.post("/stripe/refunds", control.refund),
        web.post("/stripe/refunds/{key}/fail", control.fail_refund),
    ]


class _Control:
    def __init__(self, stripe: Stripe) -> None:
        self._stripe = stripe

    async def reset(self, _: web.Request) -> web.Response:
        await self._stripe.reset()
        _collect(self._stripe, Collecting())
        return web.Response(status=204)

    async def get_faults(self, _: web.Request) -> web.Response:
        return web.json_response([rule.model_dump() for rule in self._stripe.faults.rules])

    async def put_faults(self, request: web.Request) -> web.Response:
        self._stripe.faults.rules = await parsed(request, _RULES.validate_json)
        return await self.get_faults(request)

    async def get_delivering(self, _: web.Request) -> web.Response:
        return shown(self._stripe.webhooks.how)

    async def put_delivering(self, request: web.Request) -> web.Response:
        self._stripe.webhooks.use(await changed(request, self._stripe.webhooks.how))
        return await self.get_delivering(request)

    async def flush(self, request: web.Request) -> web.Response:
        how = await parsed(request, lambda body: _Flush.model_validate_json(body or b"{}"))
        return web.json_response({"flushed": await self._stripe.webhooks.flush(how.order, how.seed)})

    async def list_deliveries(self, request: web.Request) -> web.Response:
        """List the webhooks, oldest first: `?type=`, `?state=`, `?event=`."""
        found = [delivery.shown() for delivery in self._stripe.webhooks]
        for name in ("type", "state", "event"):
            if wanted := request.query.get(name):
                found = [delivery for delivery in found if delivery[name] == wanted]
        return web.json_response(found)

    async def redeliver(self, request: web.Request) -> web.Response:
        delivery = self._stripe.webhooks.find(request.match_info["key"])
        if delivery is None:
            raise web.HTTPNotFound(text="no such delivery")
        return web.json_response((await self._stripe.webhooks.redeliver(delivery)).shown())

    async def get_collecting(self, _: web.Request) -> web.Response:
        return shown(_collecting(self._stripe))

    async def put_collecting(self, request: web.Request) -> web.Response:
        _collect(self._stripe, await changed(request, _collecting(self._stripe)))
        return await self.get_collecting(request)

    async def get_clock(self, _: web.Request) -> web.Response:
        return web.json_response({"now": self._stripe.account.now()})

    async def advance_clock(self, request: web.Request) -> web.Response:
        asked = await parsed(request, _Advance.model_validate_json)
        done = await self._stripe.advance(asked.seconds + int(asked.days * 86_400))
        return web.json_response({"now": self._stripe.account.now(), "done": done})

    async def open_dispute(self, request: web.Request) -> web.Response:
        asked = await parsed(request, _Dispute.model_validate_json)
        status = "warning_needs_response" if asked.inquiry else "needs_response"
        return _done(
            lambda: disputes.open_dispute(
                self._stripe.account,
                self._charge(asked.charge),
                amount=asked.amount,
                reason=asked.reason,
                status=status,
            )
        )

    async def close_dispute(self, request: web.Request) -> web.Response:
        asked = await parsed(request, _Closing.model_validate_json)
        account = self._stripe.account
        key = request.match_info["key"]
        return _done(lambda: disputes.close_dispute(account, account.get("dispute", key), asked.outcome))

    async def refund(self, request: web.Request) -> web.Response:
        asked = await parsed(request, _Refund.model_validate_json)
        account = self._stripe.account
        return _done(lambda: refunds.refund(account, self._charge(asked.charge), asked.amount, asked.reason))

    async def fail_refund(self, request: web.Request) -> web.Response:
        account = self._stripe.account
        key = request.match_info["key"]
        return _done(lambda: refunds.fail(account, account.get("refund", key)))

    def _charge(self, key: str) -> Obj:
        account = self._stripe.account
        intent = account.find(key)
        if intent is not None and intent["object"] == "payment_intent" and intent["latest_charge"]:
            key = intent["latest_charge"]
        return account.get("charge", key)


def _done(act: Callable[[], Obj]) -> web.Response:
    """Answer with what was done, or with Stripe's own words why not."""
    try:
        return web.json_response(act())
    except StripeError as error:
        status = 404 if error.status == 404 else 409
        return web.json_response(error.body, status=status)


def _collecting(stripe: Stripe) -> Collecting:
    account = stripe.account
    return Collecting.model_validate({name: getattr(account, name) for name in Collecting.model_fields})


def _collect(stripe: Stripe, how: Collecting) -> None:
    for name, value in how.model_dump().items():
        setattr(stripe.account, name, value)
