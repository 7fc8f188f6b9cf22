"""Stripe's own pages: where a person pays, and where a team manages what it pays."""

from dataclasses import dataclass
from typing import Any

from stripe import StripeClient

from billing.adapters.outbound.stripe.portal import find_configuration
from billing.adapters.outbound.stripe.reading import at
from billing.adapters.outbound.stripe.shelf import Shelf, lookup_key, pack_key
from billing.application.ports import Basket, NotSynced, Page


@dataclass(slots=True)
class Sessions:
    """Opens pages."""

    client: StripeClient
    shelf: Shelf
    _portal: str | None = None

    async def open_checkout(self, basket: Basket) -> Page:
        """Open a page to pay on; earlier ones for a plan are closed, so that none can be paid twice."""
        if basket.plan:
            await self._close_others(basket)
        wanted = await self._plan(basket) if basket.plan else await self._pack(basket)
        described: Any = {
            "customer": basket.customer_id,
            "client_reference_id": str(basket.team_id),
            "metadata": {"team_id": str(basket.team_id), "request_id": str(basket.request_id)},
            "success_url": basket.success_url,
            "cancel_url": basket.cancel_url,
            **wanted,
        }
        once: Any = {"idempotency_key": f"checkout:{basket.request_id}"}
        made = await self.client.v1.checkout.sessions.create_async(described, once)
        return Page(made.url or "", at(made.expires_at))

    async def open_portal(self, customer_id: str, return_url: str) -> Page:
        """Open the page where a team changes its plan and card."""
        self._portal = self._portal or await find_configuration(self.client)
        if self._portal is None:
            raise NotSynced
        made = await self.client.v1.billing_portal.sessions.create_async(
            {"customer": customer_id, "return_url": return_url, "configuration": self._portal}
        )
        return Page(made.url)

    async def _plan(self, basket: Basket) -> dict[str, Any]:
        if basket.plan is None:
            raise NotSynced
        metadata = {"team_id": str(basket.team_id)}
        trial = {"trial_period_days": basket.trial_days} if basket.trial_days else {}
        return {
            "mode": "subscription",
            "line_items": await self._items(lookup_key(basket.plan, basket.interval)),
            "subscription_data": {"metadata": metadata, **trial},
            "payment_method_collection": "always",
        }

    async def _pack(self, basket: Basket) -> dict[str, Any]:
        if basket.pack is None:
            raise NotSynced
        metadata = {
            "team_id": str(basket.team_id),
            "pack": basket.pack.key,
            "credits": str(basket.pack.credits),
        }
        return {
            "mode": "payment",
            "line_items": await self._items(pack_key(basket.pack)),
            "payment_intent_data": {
                "metadata": metadata,
                "description": f"{basket.pack.credits:,} credits",
                "setup_future_usage": "off_session",
            },
        }

    async def _items(self, key: str) -> list[dict[str, Any]]:
        price = await self.shelf.price(key)
        if price is None:
            raise NotSynced
        return [{"price": price, "quantity": 1}]

    async def _close_others(self, basket: Basket) -> None:
        sessions = self.client.v1.checkout.sessions
        found = await sessions.list_async({"customer": basket.customer_id, "status": "open", "limit": 100})
        for each in found.data:
            metadata = each.metadata.to_dict() if each.metadata else {}
            if each.mode == "subscription" and metadata.get("request_id") != str(basket.request_id):
                await sessions.expire_async(each.id)
