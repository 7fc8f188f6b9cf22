"""Our account at Stripe: what is read there, and what is asked of it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from stripe import CardError, InvalidRequestError, StripeClient

from billing.adapters.outbound.stripe import reading
from billing.adapters.outbound.stripe.reading import Obj
from billing.adapters.outbound.stripe.sessions import Sessions
from billing.adapters.outbound.stripe.shelf import Shelf
from billing.application.ports import Basket, Customer, Declined, Page
from billing.domain.dossier import Dossier, Upcoming
from billing.domain.topping_up import Purchase

MOST = 100


@dataclass(slots=True)
class StripeAccount:
    """Stripe behind its own client."""

    client: StripeClient
    shelf: Shelf = field(init=False)
    sessions: Sessions = field(init=False)

    def __post_init__(self) -> None:
        self.shelf = Shelf(self.client)
        self.sessions = Sessions(self.client, self.shelf)

    async def dossier(self, customer_id: str) -> Dossier:
        """Read everything about a customer."""
        subscriptions, invoices, intents, customer = await asyncio.gather(
            self._subscriptions(customer_id),
            self._invoices(customer_id),
            self._intents(customer_id),
            self._customer(customer_id),
        )
        tags = {price: await self.shelf.tag(price) for price in reading.prices_in(subscriptions, invoices)}
        disputes = {intent["id"]: await self._disputes(intent) for intent in intents}
        deals = [found for each in subscriptions if (found := reading.deal(each, tags))]
        live = next((deal.id for deal in deals if deal.is_live), None)
        return Dossier(
            deals=tuple(deals),
            bills=tuple(reading.bill(each, tags) for each in invoices),
            payments=tuple(reading.payment(each, disputes[each["id"]]) for each in intents),
            card=reading.card(await self._method(customer, subscriptions)),
            upcoming=await self._upcoming(customer_id, live) if live else None,
        )

    async def customer_of(self, payment: str) -> str | None:
        """Find who made a payment (an intent or a charge)."""
        try:
            if payment.startswith("pi_"):
                return _id((await self.client.v1.payment_intents.retrieve_async(payment)).customer)
            return _id((await self.client.v1.charges.retrieve_async(payment)).customer)
        except InvalidRequestError:
            return None

    async def team_of(self, customer_id: str) -> UUID | None:
        """Find the team that a customer was made for."""
        customer = await self._customer(customer_id)
        try:
            return UUID((customer or {}).get("metadata", {}).get("team_id", ""))
        except ValueError:
            return None

    async def open_customer(self, customer: Customer) -> str:
        """Make a customer for a team, once."""
        made = await self.client.v1.customers.create_async(
            {
                "name": customer.name,
                **({"email": customer.email} if customer.email else {}),
                "metadata": {"team_id": str(customer.team_id)},
            },
            {"idempotency_key": f"customer:{customer.team_id}"},
        )
        return made.id

    async def open_checkout(self, basket: Basket) -> Page:
        """Open a page to pay on; earlier ones for a plan are closed."""
        return await self.sessions.open_checkout(basket)

    async def open_portal(self, customer_id: str, return_url: str) -> Page:
        """Open the page where a team changes its plan and card."""
        return await self.sessions.open_portal(customer_id, return_url)

    async def buy(self, purchase: Purchase, customer_id: str) -> None:
        """Charge the saved card while nobody is there."""
        method = await self._method(await self._customer(customer_id), await self._subscriptions(customer_id))
        if method is None:
            raise Declined("There is no card to charge.")
        try:
            await self.client.v1.payment_intents.create_async(
                {
                    "amount": purchase.amount,
                    "currency": purchase.currency,
                    "customer": customer_id,
                    "payment_method": method["id"],
                    "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
                    "off_session": True,
                    "confirm": True,
                    "description": f"{purchase.credits:,} credits",
                    "metadata": {
                        "team_id": str(purchase.team_id),
                        "pack": purchase.pack,
                        "credits": str(purchase.credits),
                        "purchase": str(purchase.id),
                    },
                },
                {"idempotency_key": f"purchase:{purchase.id}"},
            )
        except CardError as error:
            raise Declined(error.user_message or "The card was declined.") from error

    async def end(self, customer_id: str) -> None:
        """Cancel everything and forget the customer."""
        try:
            for subscription in await self._subscriptions(customer_id):
                if subscription["status"] not in ("canceled", "incomplete_expired"):
                    await self.client.v1.subscriptions.cancel_async(subscription["id"])
            await self.client.v1.customers.delete_async(customer_id)
        except InvalidRequestError as error:
            if error.code != "resource_missing":
                raise

    async def active_since(self, since: datetime) -> AsyncIterator[str]:
        """List the customers with paid invoices, payments, refunds, disputes or subscriptions since then."""
        v1 = self.client.v1
        created: Any = {"gte": int(since.timestamp())}
        listings = (
            v1.invoices.list_async({"status": "paid", "created": created, "limit": MOST}),
            v1.payment_intents.list_async({"created": created, "limit": MOST}),
            v1.refunds.list_async({"created": created, "limit": MOST, "expand": ["data.charge"]}),
            v1.disputes.list_async({"created": created, "limit": MOST, "expand": ["data.charge"]}),
            v1.subscriptions.list_async({"status": "all", "limit": MOST}),
        )
        seen: set[str] = set()
        for listing in listings:
            for found in await _all(listing):
                charge = found.get("charge")
                customer = _id(charge.get("customer") if isinstance(charge, dict) else found.get("customer"))
                if customer and customer not in seen:
                    seen.add(customer)
                    yield customer

    async def _subscriptions(self, customer_id: str) -> list[Obj]:
        expand = ["data.latest_invoice", "data.schedule", "data.default_payment_method"]
        wanted: Any = {"customer": customer_id, "status": "all", "limit": MOST, "expand": expand}
        return await _all(self.client.v1.subscriptions.list_async(wanted))

    async def _invoices(self, customer_id: str) -> list[Obj]:
        wanted: Any = {"customer": customer_id, "limit": MOST, "expand": ["data.payments"]}
        return await _all(self.client.v1.invoices.list_async(wanted))

    async def _intents(self, customer_id: str) -> list[Obj]:
        wanted: Any = {"customer": customer_id, "limit": MOST, "expand": ["data.latest_charge.refunds"]}
        return await _all(self.client.v1.payment_intents.list_async(wanted))

    async def _disputes(self, intent: Obj) -> list[Obj]:
        charge = intent["latest_charge"]
        if not charge or not charge["disputed"]:
            return []
        return await _all(self.client.v1.disputes.list_async({"payment_intent": intent["id"], "limit": MOST}))

    async def _customer(self, customer_id: str) -> Obj | None:
        try:
            found = await self.client.v1.customers.retrieve_async(customer_id)
        except InvalidRequestError as error:
            if error.code == "resource_missing":
                return None
            raise
        customer: Obj = found.to_dict()
        return None if customer.get("deleted") else customer

    async def _method(self, customer: Obj | None, subscriptions: list[Obj]) -> Obj | None:
        """Find the card that would be charged: the customer's own, a subscription's, or any saved one."""
        if customer is None:
            return None
        if chosen := customer["invoice_settings"]["default_payment_method"]:
            return (await self.client.v1.payment_methods.retrieve_async(chosen)).to_dict()
        live = [each for each in subscriptions if each["status"] in ("active", "trialing", "past_due")]
        if method := next((each["default_payment_method"] for each in live), None):
            return dict(method)
        saved = await self.client.v1.customers.payment_methods.list_async(customer["id"], {"limit": 1})
        return saved.data[0].to_dict() if saved.data else None

    async def _upcoming(self, customer_id: str, deal: str) -> Upcoming | None:
        try:
            found = await self.client.v1.invoices.create_preview_async(
                {"customer": customer_id, "subscription": deal}
            )
        except InvalidRequestError:
            return None  # nothing will be charged any more
        return reading.upcoming(found.to_dict())


async def _all(listing: Any) -> list[Obj]:  # noqa: ANN401 - the client's list of any kind
    """Read every page of a list."""
    return [each.to_dict() async for each in (await listing).auto_paging_iter()]


def _id(reference: Any) -> str | None:  # noqa: ANN401 - an id, or the object it names
    if reference is None or isinstance(reference, str):
        return reference
    return str(reference["id"])
