import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest
from stripe import HTTPXClient, StripeClient

from sandbox.testing import Running

# What is said while an invoice is finalized and paid.
PAID = [
    "invoice.finalized",
    "payment_intent.created",
    "charge.succeeded",
    "payment_intent.succeeded",
    "invoice_payment.paid",
    "invoice.updated",
    "invoice.paid",
    "invoice.payment_succeeded",
]


def at(text: str) -> int:
    """Return a moment given as in `2027-01-31 10:00`, in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


class Shop:
    """What most tests begin with: plans, customers, time."""

    def __init__(self, client: StripeClient, control: httpx.AsyncClient) -> None:
        self.client = client
        self.api = client.v1
        self.control = control
        self.clock = ""

    async def price(self, name: str, cents: int, interval: str | None = "month"):
        product = await self.api.products.create_async({"name": name})
        recurring = {"recurring": {"interval": interval}} if interval else {}
        return await self.api.prices.create_async(
            {"product": product.id, "unit_amount": cents, "currency": "usd"} | recurring
        )

    async def customer(self, start: str | None = None, card: str | None = "pm_card_visa"):
        """Make a customer with a card, on a clock of its own that starts at a moment."""
        fields = {"email": "ada@example.com"}
        if start:
            made = await self.api.test_helpers.test_clocks.create_async({"frozen_time": at(start)})
            self.clock = fields["test_clock"] = made.id
        if card:
            fields |= {"payment_method": card, "invoice_settings": {"default_payment_method": card}}
        return await self.api.customers.create_async(fields)

    async def subscribe(self, customer, price, **fields):
        items = {"customer": customer.id, "items": [{"price": price.id}]}
        return await self.api.subscriptions.create_async(items | fields)

    async def go(self, moment: str) -> None:
        """Move the clock on, and wait until it is ready."""
        clocks = self.api.test_helpers.test_clocks
        await clocks.advance_async(self.clock, {"frozen_time": at(moment)})
        async with asyncio.timeout(20):
            while (await clocks.retrieve_async(self.clock)).status != "ready":
                await asyncio.sleep(0.01)

    async def invoices(self, customer):
        """Return the customer's invoices, oldest first."""
        found = await self.api.invoices.list_async({"customer": customer.id, "limit": 100})
        return found.data[::-1]

    async def events(self) -> list[str]:
        """Return the types of all events, oldest first."""
        found = await self.api.events.list_async({"limit": 100})
        return [event.type async for event in found.auto_paging_iter()][::-1]

    async def subscription(self, key: str):
        return await self.api.subscriptions.retrieve_async(key)


@pytest.fixture
async def control(controller: httpx.AsyncClient) -> httpx.AsyncClient:
    (await controller.post("/stripe/reset")).raise_for_status()
    return controller


@pytest.fixture(scope="session")
async def client(box: Running) -> AsyncIterator[StripeClient]:
    http = HTTPXClient()
    yield StripeClient(box.settings.stripe_key, base_addresses={"api": box.stripe_base}, http_client=http)
    await http.close_async()


@pytest.fixture
def shop(client: StripeClient, control: httpx.AsyncClient) -> Shop:
    return Shop(client, control)


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client
