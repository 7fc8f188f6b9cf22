"""What a team may buy: the plans and the packs, as data. Amounts are in cents."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from contracts.billing import Interval, Limits, Money, PackOffer, PlanOffer, PlansChanged

PlanName = Literal["free", "starter", "pro", "business"]
CURRENCY = "usd"


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan: the credits it brings each month, what it allows, and what it costs.

    `trial_credits` are what the `trial_days` before the first payment bring, once in a team's life.
    """

    name: PlanName
    title: str
    credits: int
    limits: Limits
    prices: Mapping[Interval, int] = field(default_factory=dict)
    trial_days: int = 0
    trial_credits: int = 0

    def offer(self) -> PlanOffer:
        """Show it to whoever compares."""
        return PlanOffer(
            key=self.name,
            name=self.title,
            credits=self.credits,
            limits=self.limits,
            prices={interval: money(amount) for interval, amount in self.prices.items()},
            trial_days=self.trial_days,
            trial_credits=self.trial_credits,
        )


@dataclass(frozen=True, slots=True)
class Pack:
    """Credits that are bought once and survive renewals."""

    key: str
    credits: int
    amount: int

    def offer(self) -> PackOffer:
        """Show it to whoever compares."""
        return PackOffer(key=self.key, credits=self.credits, price=money(self.amount))


def money(amount: int) -> Money:
    """Say an amount in our currency."""
    return Money(amount=amount, currency=CURRENCY)


PLANS: dict[PlanName, Plan] = {
    plan.name: plan
    for plan in (
        Plan("free", "Free", 200, Limits(running=1, open=20, per_minute=60)),
        Plan(
            "starter",
            "Starter",
            1_000,
            Limits(running=3, open=100, per_minute=120),
            {"month": 900, "year": 9_000},
            trial_days=7,
            trial_credits=250,
        ),
        Plan(
            "pro",
            "Pro",
            4_000,
            Limits(running=8, open=500, per_minute=300),
            {"month": 2_900, "year": 29_000},
            trial_days=7,
            trial_credits=500,
        ),
        Plan(
            "business",
            "Business",
            20_000,
            Limits(running=20, open=2_000, per_minute=1_200),
            {"month": 11_900, "year": 119_000},
        ),
    )
}
PACKS: dict[str, Pack] = {
    pack.key: pack
    for pack in (Pack("small", 500, 600), Pack("medium", 2_000, 2_000), Pack("large", 10_000, 8_500))
}


def rank(plan: PlanName) -> int:
    """Order the plans by what they bring."""
    return PLANS[plan].credits


def offers(version: int) -> PlansChanged:
    """Show everything on offer, cheapest first."""
    plans = tuple(plan.offer() for plan in PLANS.values())
    return PlansChanged(version=version, plans=plans, packs=tuple(pack.offer() for pack in PACKS.values()))
