"""Our plans and packs as products and prices. A changed price is a new one; who pays the old keeps it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from stripe import InvalidRequestError, StripeClient

from billing.adapters.outbound.stripe.portal import configuration, find_configuration
from billing.adapters.outbound.stripe.shelf import lookup_key, pack_key
from billing.domain.plans import CURRENCY, PACKS, PLANS
from contracts.billing import Interval


@dataclass(frozen=True, slots=True)
class Article:
    """One thing that has a price: which product it is of, and what it costs."""

    product: str
    title: str
    key: str
    amount: int
    metadata: dict[str, str]
    interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class StripeCatalog:
    """Makes Stripe sell what we sell; repeating it changes nothing."""

    client: StripeClient

    async def sync(self) -> list[str]:
        """Make products, prices and the portal what our plans say; returns what was changed, in words."""
        changed: list[str] = []
        products: dict[str, list[str]] = {}
        for article in _articles():
            changed += await self._product(article)
            price, words = await self._price(article)
            changed += words
            if article.interval:
                products.setdefault(article.product, []).append(price)
        return changed + await self._portal(products)

    async def _product(self, article: Article) -> list[str]:
        try:
            known = await self.client.v1.products.retrieve_async(article.product)
        except InvalidRequestError as error:
            if error.code != "resource_missing":
                raise
            await self.client.v1.products.create_async({"id": article.product, "name": article.title})
            return [f"product {article.product} is new"]
        if known.name == article.title and known.active:
            return []
        await self.client.v1.products.update_async(article.product, {"name": article.title, "active": True})
        return [f"product {article.product} is now {article.title}"]

    async def _price(self, article: Article) -> tuple[str, list[str]]:
        found = await self.client.v1.prices.list_async({"lookup_keys": [article.key], "active": True})
        known = found.data[0] if found.data else None
        if known and (known.unit_amount, known.currency) == (article.amount, CURRENCY):
            return known.id, []
        wanted: Any = {
            "product": article.product,
            "currency": CURRENCY,
            "unit_amount": article.amount,
            "lookup_key": article.key,
            "transfer_lookup_key": True,
            "metadata": article.metadata,
        }
        if article.interval:
            wanted["recurring"] = {"interval": article.interval}
        made = await self.client.v1.prices.create_async(wanted)
        if known is None:
            return made.id, [f"price {article.key} is new: {article.amount} {CURRENCY}"]
        await self.client.v1.prices.update_async(known.id, {"active": False})
        return made.id, [f"price {article.key} was {known.unit_amount}, is {article.amount} {CURRENCY}"]

    async def _portal(self, products: dict[str, list[str]]) -> list[str]:
        wanted, known = configuration(products), await find_configuration(self.client)
        if known is None:
            await self.client.v1.billing_portal.configurations.create_async(wanted)
            return ["the portal is new"]
        await self.client.v1.billing_portal.configurations.update_async(known, wanted)
        return []


def _articles() -> Iterator[Article]:
    for plan in PLANS.values():
        for interval, amount in plan.prices.items():
            yield Article(
                f"atelier_{plan.name}",
                f"Atelier {plan.title}",
                lookup_key(plan.name, interval),
                amount,
                {"plan": plan.name},
                interval,
            )
    for pack in PACKS.values():
        metadata = {"pack": pack.key, "credits": str(pack.credits)}
        yield Article("atelier_credits", "Atelier credits", pack_key(pack), pack.amount, metadata)
