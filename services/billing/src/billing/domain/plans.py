"""What a team may buy: the plans, as data."""

from dataclasses import dataclass
from typing import Literal

from contracts.billing import Limits

PlanName = Literal["free", "starter", "pro", "business"]


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan: the credits it brings each month, and what it allows."""

    name: PlanName
    credits: int
    limits: Limits


PLANS: dict[PlanName, Plan] = {
    plan.name: plan
    for plan in (
        Plan("free", 200, Limits(running=1, open=20, per_minute=60)),
        Plan("starter", 1_000, Limits(running=3, open=100, per_minute=120)),
        Plan("pro", 4_000, Limits(running=8, open=500, per_minute=300)),
        Plan("business", 20_000, Limits(running=20, open=2_000, per_minute=1_200)),
    )
}
