"""Which plan a team has by what Stripe knows of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from billing.domain.dossier import Deal, Dossier
from billing.domain.plans import PlanName, rank
from contracts.billing import Interval

GRACE = timedelta(days=3)
"""How long a plan whose renewal could not be paid stays: as long as its credits live beyond their period."""
Status = Literal["active", "trialing", "past_due"]


@dataclass(frozen=True, slots=True)
class Standing:
    """A team's plan. `free_since` says when it fell back to Free, and `until` when it must be looked at."""

    plan: PlanName = "free"
    status: Status = "active"
    interval: Interval | None = None
    free_since: datetime | None = None
    until: datetime | None = None


def standing(dossier: Dossier, now: datetime) -> Standing:
    """Judge: the best live subscription counts; unpaid beyond the grace, or without one, it is Free."""
    judged = [_of(deal, now) for deal in dossier.deals if deal.is_live]
    paid = [each for each in judged if each.plan != "free"]
    if paid:
        return max(paid, key=lambda each: rank(each.plan))
    ended = [deal.ended_at for deal in dossier.deals if deal.ended_at is not None and deal.status == "ended"]
    ended += [deal.period_start for deal in dossier.deals if deal.status in ("unpaid", "paused")]
    if judged:
        since = max([*ended, *(each.free_since for each in judged if each.free_since)], default=None)
        return Standing(status="past_due", free_since=since)
    return Standing(free_since=max(ended, default=None))


def current(dossier: Dossier) -> Deal | None:
    """Find the subscription that is shown: the best live one, else one that waits for its first payment."""
    live = [deal for deal in dossier.deals if deal.is_live or deal.status == "unpaid"]
    return max(live, key=lambda deal: (deal.is_live, rank(deal.plan), deal.created_at), default=None)


def _of(deal: Deal, now: datetime) -> Standing:
    if deal.status != "past_due":
        status: Status = "trialing" if deal.status == "trialing" else "active"
        return Standing(deal.plan, status, deal.interval)
    over = (deal.unpaid_since or deal.period_start) + GRACE
    if now >= over:
        return Standing(free_since=deal.period_start)
    return Standing(deal.plan, "past_due", deal.interval, until=over)
