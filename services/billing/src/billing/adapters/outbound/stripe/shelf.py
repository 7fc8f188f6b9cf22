"""Which of our plans and packs a price of Stripe's stands for: its metadata says so, for ever."""

from dataclasses import dataclass, field
from typing import Any

from stripe import StripeClient

from billing.domain.plans import PLANS, Pack, PlanName
from contracts.billing import Interval


@dataclass(frozen=True, slots=True)
class Tag:
    """A plan, paid by the month or by the year."""

    plan: PlanName
    interval: Interval


def lookup_key(plan: PlanName, interval: Interval) -> str:
    """Name the price that a plan is sold at today."""
    return f"atelier_{plan}_{interval}"


def pack_key(pack: Pack) -> str:
    """Name the price that a pack is sold at today."""
    return f"atelier_pack_{pack.key}"


def tag_of(price: dict[str, Any]) -> Tag | None:
    """Read what a price stands for; None when it is none of ours."""
    plan = (price.get("metadata") or {}).get("plan")
    interval = (price.get("recurring") or {}).get("interval")
    found = next((name for name in PLANS if name == plan), None)
    return Tag(found, interval) if found and interval in ("month", "year") else None


@dataclass(slots=True)
class Shelf:
    """Remembers what prices stand for; a price never changes what it is."""

    client: StripeClient
    _tags: dict[str, Tag | None] = field(default_factory=dict)

    async def tag(self, price_id: str) -> Tag | None:
        """Find what a price stands for."""
        if price_id not in self._tags:
            found = await self.client.v1.prices.retrieve_async(price_id)
            self._tags[price_id] = tag_of(found.to_dict())
        return self._tags[price_id]

    async def price(self, key: str) -> str | None:
        """Find the price that is sold under a lookup key today."""
        found = await self.client.v1.prices.list_async({"lookup_keys": [key], "active": True, "limit": 1})
        return found.data[0].id if found.data else None
