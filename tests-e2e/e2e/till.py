"""Stripe as whoever pays sees it."""

import httpx

from e2e.client import Client, Json
from e2e.house import House


class Till:
    """Stripe's side of the counter, as a person and as the sandbox's keeper."""

    def __init__(self, house: House) -> None:
        plan = house.stack.plan
        self.api = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{plan.ports['stripe']}",
            headers={"Authorization": f"Bearer {plan.keys['stripe']}"},
        )
        self.control = httpx.AsyncClient(base_url=plan.sandbox_url)

    async def pay(self, url: str, card: str = "pm_card_visa") -> httpx.Response:
        """Pay on a checkout page."""
        session = url.rsplit("/", 1)[1].split("#")[0].split("?")[0]
        return await self.api.post(f"/v1/payment_pages/{session}/confirm", data={"payment_method": card})

    async def lose_webhooks(self, *rules: Json) -> None:
        answer = await self.control.put("/stripe/faults", json=list(rules))
        assert answer.status_code == 200, answer.text

    async def close(self) -> None:
        await self.api.aclose()
        await self.control.aclose()


async def page(client: Client, path: str, **body: str) -> str:
    """Open a page of Stripe; returns its address."""
    answer = await client.post(f"/api/billing/{path}", body)
    assert answer.status_code == 201, answer.text
    return answer.json()["url"]
